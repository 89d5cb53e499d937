// Writers of one document, each on a websocket of its own: sends prepared edits, and times when everybody has them. One thread, epoll.
//
//   load PORT CONNECTIONS EDITS PREFIX FIRST
//
// CONNECTIONS is a file: per line the path of a writer, a tab, and what it says first, in hexadecimal and separated by commas. EDITS is a
// file: per line the writer, a tab and the message in hexadecimal. The edit of line N holds the text "#NNNNNNN;", by which it is known
// again wherever it arrives, however many others came in the same message. PREFIX, in hexadecimal, stands before each message of the
// server. FIRST connect at once. On stdin: "paced EDITS_PER_SECOND SECONDS", "storm EDITS" (as fast as they can be sent), "settle SECONDS", "connect" (all,
// sixteen at a time) or "connect at once", "echo"; each is answered with a line of JSON. An edit counts once for
// each writer, its author too: all servers send it to them as well.
//
// An edit may also be an awareness message. After "echo" each writer sends back the awareness of others that it is sent, as the stock
// providers do; the Yjs client of writer W is FIRST_CLIENT + W.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTING, UPGRADING, ENTERING, READY, GONE };
enum { BUFFER = 1 << 23, UNANSWERED = 1 << 15, LARGE = 1 << 18, FIRST_CLIENT = 1000000 };
struct blob { uint8_t *data; size_t size; };
struct writer { int fd, state, firsts; char *path; struct blob *first; uint8_t *rest; size_t kept; uint64_t *waiting; uint32_t oldest, newest; uint8_t *seen; size_t skip; int unfinished, begins; uint64_t connected; };
struct edit { int writer; struct blob message; uint64_t at; };
struct times { uint32_t *each; size_t count, room; };

static struct writer *writers;
static struct edit *edits;
static int count, ready, gone, epoll, port, edit_count, next_edit;
static size_t frames, repeated, received;
static int echoes, at_a_time = 16;
static struct times delays, answers, joins;
static struct blob prefix;
static uint8_t buffer[BUFFER];

static uint64_t now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ull + t.tv_nsec; }
static void die(const char *what) { perror(what); exit(1); }

static void note(struct times *to, uint64_t since, uint64_t at) {
    if (to->count == to->room) to->each = realloc(to->each, (to->room = to->room ? to->room * 2 : 1 << 16) * sizeof *to->each);
    to->each[to->count++] = (uint32_t)((at - since) / 1000);
}

static struct blob decoded(const char *hex) {
    struct blob found = {malloc(strlen(hex) / 2 + 1), 0};
    unsigned byte;
    while (sscanf(hex, "%2x", &byte) == 1) { found.data[found.size++] = byte; hex += 2; }
    return found;
}

static void all(int fd, const void *data, size_t size) {
    while (size) {
        ssize_t sent = write(fd, data, size);
        if (sent < 0 && errno == EAGAIN) { usleep(50); continue; }
        if (sent < 0) { gone++; return; }
        data = (const char *)data + sent; size -= sent;
    }
}

static void say(struct writer *w, int kind, const uint8_t *data, size_t size) {  // masked with zeros: the same bytes
    static uint8_t frame[1 << 16];
    size_t head = 2;
    frame[0] = (uint8_t)(0x80 | kind);
    if (size < 126) frame[1] = (uint8_t)(0x80 | size);
    else { frame[1] = 0x80 | 126; frame[2] = (uint8_t)(size >> 8); frame[3] = (uint8_t)size; head = 4; }
    memset(frame + head, 0, 4);
    memcpy(frame + head + 4, data, size);
    all(w->fd, frame, head + 4 + size);
}

static uint64_t varint(uint8_t **at, uint8_t *end) {
    uint64_t value = 0;
    for (int shift = 0; *at < end; shift += 7) { uint8_t byte = *(*at)++; value |= (uint64_t)(byte & 0x7F) << shift; if (byte < 0x80) break; }
    return value;
}

static size_t put(uint8_t *to, uint64_t value) {
    size_t size = 0;
    for (; value > 0x7F; value >>= 7) to[size++] = (uint8_t)(value | 0x80);
    to[size++] = (uint8_t)value;
    return size;
}

static void echo(struct writer *w, uint8_t *data, size_t size) {  // without the writer's own state
    static uint8_t states[1 << 16], answer[1 << 16];
    uint8_t *from = data, *end = data + size;
    varint(&from, end);
    uint64_t others = 0, told = varint(&from, end);
    size_t length = 0;
    while (told-- && from < end) {
        uint8_t *entry = from;
        uint64_t client = varint(&from, end);
        varint(&from, end);
        uint64_t text = varint(&from, end);
        from += text;
        if (from > end || length + (from - entry) > 60000) return;
        if (client == FIRST_CLIENT + (uint64_t)(w - writers)) continue;
        memcpy(states + length, entry, from - entry);
        length += from - entry;
        others++;
    }
    if (!others) return;
    uint8_t head[10], *to = answer;
    size_t head_size = put(head, others);
    memcpy(to, prefix.data, prefix.size); to += prefix.size;
    *to++ = 1;
    to += put(to, head_size + length);
    memcpy(to, head, head_size); to += head_size;
    memcpy(to, states, length); to += length;
    say(w, 2, answer, to - answer);
}

// One message, or the beginning of a large one, which is whole when its last frame is.
static void message(struct writer *w, uint8_t *data, size_t size, int whole, uint64_t at) {
    frames++;
    if (size < prefix.size + 2 || memcmp(data, prefix.data, prefix.size)) return;
    data += prefix.size; size -= prefix.size;
    if (data[0] == 0 && data[1] == 1 && w->state == ENTERING) {
        w->begins = 1;
        if (!whole) return;
    }
    if (data[0] == 1 && echoes) echo(w, data + 1, size - 1);
    if (data[0] == 8 && prefix.size) {
        if (!data[1]) { fprintf(stderr, "an edit was refused\n"); exit(1); }
        if (w->oldest != w->newest) note(&answers, w->waiting[w->oldest++ % UNANSWERED], at);
        return;
    }
    if (data[0] > 1) return;
    for (uint8_t *mark = data, *end = data + size; (mark = memchr(mark, '#', end - mark)) && end - mark >= 9; mark++) {
        if (mark[8] != ';') continue;
        int number = 0, digits = 0;
        for (; digits < 7 && mark[1 + digits] >= '0' && mark[1 + digits] <= '9'; digits++) number = number * 10 + mark[1 + digits] - '0';
        if (digits < 7 || number >= next_edit) continue;
        if (w->seen[number]) repeated++;
        else { w->seen[number] = 1; note(&delays, edits[number].at, at); }
    }
}

// A message has ended.
static void ended(struct writer *w, uint64_t at) {
    if (!w->begins || w->state != ENTERING) return;
    w->state = READY; ready++;
    note(&joins, w->connected, at);
}

static void lose(struct writer *w) { epoll_ctl(epoll, EPOLL_CTL_DEL, w->fd, NULL); close(w->fd); w->state = GONE; gone++; }

static void readable(struct writer *w) {
    size_t have = w->kept;
    if (have) { memcpy(buffer, w->rest, have); free(w->rest); w->rest = NULL; w->kept = 0; }
    ssize_t got = read(w->fd, buffer + have, BUFFER - have);
    if (got < 0 && errno == EAGAIN) got = 0;
    else if (got <= 0) { lose(w); return; }
    have += got;
    received += got;
    uint64_t at = now();
    uint8_t *from = buffer, *end = buffer + have;
    if (w->state == UPGRADING) {
        uint8_t *done = memmem(buffer, have, "\r\n\r\n", 4);
        if (done) {
            if (memcmp(buffer, "HTTP/1.1 101", 12)) { fprintf(stderr, "%.*s\n", (int)have, buffer); exit(1); }
            from = done + 4;
            w->state = ENTERING;
            for (int i = 0; i < w->firsts; i++) say(w, 2, w->first[i].data, w->first[i].size);
        }
    }
    while (w->state >= ENTERING && end - from >= 2) {
        if (w->skip) {
            size_t some = (size_t)(end - from) < w->skip ? (size_t)(end - from) : w->skip;
            from += some;
            if ((w->skip -= some) == 0 && !w->unfinished) ended(w, at);
            continue;
        }
        size_t size = from[1] & 0x7F, head = 2;
        if (size == 126) { head = 4; if (end - from < 4) break; size = from[2] << 8 | from[3]; }
        if (size == 127) { head = 10; if (end - from < 10) break; size = (size_t)from[6] << 24 | from[7] << 16 | from[8] << 8 | from[9]; }
        int kind = from[0] & 0x0F, last = from[0] >> 7;
        if (kind < 3 && size > LARGE) {
            if ((size_t)(end - from) < head + 1024) break;
            if (kind == 2) message(w, from + head, 1024, 0, at);
            w->unfinished = !last;
            from += head;
            w->skip = size;
            continue;
        }
        if ((size_t)(end - from) < head + size) break;
        if (kind == 2) message(w, from + head, size, last, at);
        if (kind < 3) { w->unfinished = !last; if (last) ended(w, at); }
        else if (kind == 9) say(w, 10, from + head, size);
        else if (kind == 8) { fprintf(stderr, "closed: %d %.*s\n", size > 1 ? from[head] << 8 | from[head + 1] : 0, size > 2 ? (int)size - 2 : 0, from + head + 2); lose(w); return; }
        from += head + size;
    }
    if (from < end) { w->kept = end - from; w->rest = malloc(w->kept); memcpy(w->rest, from, w->kept); }
}

static void turn(int milliseconds) {
    struct epoll_event events[512];
    int found = epoll_wait(epoll, events, 512, milliseconds);
    for (int i = 0; i < found; i++) {
        struct writer *w = events[i].data.ptr;
        if (w->state != CONNECTING) { readable(w); continue; }
        char request[4096];
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", w->path, port);
        all(w->fd, request, strlen(request));
        w->state = UPGRADING;
        struct epoll_event in = {.events = EPOLLIN, .data.ptr = w};
        epoll_ctl(epoll, EPOLL_CTL_MOD, w->fd, &in);
    }
}

static void connect_until(int wanted) {
    static int opened;
    for (; ready + gone < wanted; turn(100)) {
        while (opened < wanted && opened - ready < at_a_time) {
            struct writer *w = &writers[opened++];
            w->connected = now();
            int one = 1;
            w->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
            setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
            if (connect(w->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) die("connect");
            struct epoll_event out = {.events = EPOLLOUT, .data.ptr = w};
            epoll_ctl(epoll, EPOLL_CTL_ADD, w->fd, &out);
        }
        if (gone && at_a_time < count) { fprintf(stderr, "%d connections lost while connecting\n", gone); exit(1); }
    }
}

static void send_next(void) {
    if (next_edit >= edit_count) { fprintf(stderr, "no edits are left\n"); exit(1); }
    struct edit *e = &edits[next_edit++];
    struct writer *w = &writers[e->writer];
    e->at = now();
    if (prefix.size) w->waiting[w->newest++ % UNANSWERED] = e->at;
    say(w, 2, e->message.data, e->message.size);
}

static int ascending(const void *a, const void *b) { return (*(uint32_t *)a > *(uint32_t *)b) - (*(uint32_t *)a < *(uint32_t *)b); }
static double at(struct times *t, double part) { return t->count ? t->each[(size_t)((t->count - 1) * part)] / 1e3 : 0; }

static void report(size_t sent, uint64_t start) {
    qsort(delays.each, delays.count, sizeof *delays.each, ascending);
    qsort(answers.each, answers.count, sizeof *answers.each, ascending);
    qsort(joins.each, joins.count, sizeof *joins.each, ascending);
    printf("{\"expected\":%zu,\"delivered\":%zu,\"repeated\":%zu,\"frames\":%zu,\"seconds\":%.6f,\"p50_ms\":%.3f,\"p95_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,"
        "\"answered\":%zu,\"ack_p50_ms\":%.3f,\"ack_p99_ms\":%.3f,\"join_p50_ms\":%.3f,\"join_max_ms\":%.3f,\"received\":%zu,\"gone\":%d}\n", sent * count, delays.count, repeated, frames,
        (now() - start) / 1e9, at(&delays, .5), at(&delays, .95), at(&delays, .99), at(&delays, 1), answers.count, at(&answers, .5), at(&answers, .99), at(&joins, .5), at(&joins, 1), received, gone);
    fflush(stdout);
    delays.count = answers.count = joins.count = frames = repeated = received = 0;
}

static void finish(size_t sent, uint64_t start) {
    uint64_t give_up = now() + 15000000000ull;
    while ((delays.count < sent * count || (answers.count && answers.count < sent)) && now() < give_up && !gone) turn(10);
    report(sent, start);
}

int main(int argc, char **argv) {
    if (argc != 6) { fprintf(stderr, "usage: see the source\n"); return 2; }
    port = atoi(argv[1]); prefix = decoded(argv[4]);
    char *line = NULL; size_t space = 0;
    FILE *file = fopen(argv[3], "r");
    if (!file) die(argv[3]);
    while (getline(&line, &space, file) > 0) {
        edits = realloc(edits, (edit_count + 1) * sizeof *edits);
        edits[edit_count++] = (struct edit){.writer = atoi(line), .message = decoded(strchr(line, '\t') + 1)};
    }
    fclose(file);
    if (!(file = fopen(argv[2], "r"))) die(argv[2]);
    while (getline(&line, &space, file) > 0) {
        writers = realloc(writers, (count + 1) * sizeof *writers);
        struct writer *w = &writers[count++];
        char *tab = strchr(line, '\t');
        *tab = 0;
        *w = (struct writer){.path = strdup(line), .seen = calloc(1, edit_count), .waiting = calloc(UNANSWERED, 8)};
        for (char *hex = strtok(tab + 1, ",\n"); hex; hex = strtok(NULL, ",\n")) {
            w->first = realloc(w->first, (w->firsts + 1) * sizeof *w->first);
            w->first[w->firsts++] = decoded(hex);
        }
    }
    fclose(file);
    epoll = epoll_create1(0);
    uint64_t began = now();
    connect_until(count < atoi(argv[5]) ? count : atoi(argv[5]));
    report(0, began);
    char command[64]; double amount, more;
    fcntl(0, F_SETFL, O_NONBLOCK);
    for (;;) {
        ssize_t got = read(0, command, sizeof command - 1);
        if (got == 0) return 0;
        if (got < 0) { turn(20); continue; }
        command[got] = 0;
        uint64_t start = now();
        if (!strncmp(command, "echo", 4)) {
            echoes = 1;
            report(0, start);
        } else if (!strncmp(command, "connect", 7)) {
            if (!strncmp(command, "connect at once", 15)) at_a_time = count;
            connect_until(count);
            report(0, start);
        } else if (sscanf(command, "settle %lf", &amount) == 1) {
            while (now() < start + amount * 1e9) turn(10);
            report(0, start);
        } else if (sscanf(command, "paced %lf %lf", &amount, &more) == 2) {
            long sent = 0, total = amount * more;
            while (sent < total) {
                uint64_t due = start + sent * (1e9 / amount), when = now();
                if (when >= due) { send_next(); sent++; }
                turn(when >= due ? 0 : (int)((due - when + 999999) / 1000000));
            }
            finish(total, start);
        } else if (sscanf(command, "storm %lf", &amount) == 1) {
            for (long sent = 0; sent < (long)amount; sent++) { send_next(); if (sent % 64 == 63) turn(0); }
            finish((size_t)amount, start);
        } else return 0;
    }
}
