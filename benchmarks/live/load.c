// Subscribes many websockets, publishes events to Valkey, and measures what arrives: one thread, epoll.
//
//   load PORT SUBPROTOCOL CONNECTIONS VALKEY_PORT CHANNEL TEMPLATE POSITION
//
// CONNECTIONS is a file: per line the hello and the subscribe message, separated by a tab. TEMPLATE is a file with the message to publish,
// where @POSITION@ counts up from POSITION and @NOW@ is the time of publishing. On stdin: "burst EVENTS", "paced EVENTS_PER_SECOND SECONDS",
// "settle SECONDS", "stall CONNECTIONS" (from then on these are not read), "quit"; each is answered with a line of JSON. Clients answer pings, so a server may send them.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum state { CONNECTING, UPGRADING, GREETING, SUBSCRIBED, GONE };
struct connection { int fd; enum state state; size_t pending; char *rest; char *hello, *subscribe; long received; };

static struct connection *connections;
static int count, opened, subscribed, gone, stalled, epoll, valkey;
static uint32_t *delays;
static size_t delivered, room;
static char buffer[1 << 18];
static char *template;
static long position;

static uint64_t now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ull + t.tv_nsec; }
static void die(const char *what) { perror(what); exit(1); }

static int dial(int port, int nonblocking) {
    int fd = socket(AF_INET, SOCK_STREAM | (nonblocking ? SOCK_NONBLOCK : 0), 0), one = 1;
    if (fd < 0) die("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) die("connect");
    return fd;
}

static void all(int fd, const char *data, size_t size) {
    while (size) {
        ssize_t sent = write(fd, data, size);
        if (sent < 0 && errno == EAGAIN) { usleep(100); continue; }
        if (sent < 0) die("write");
        data += sent; size -= sent;
    }
}

static void say(struct connection *c, const char *text) {  // masked with zeros: the same bytes
    size_t size = strlen(text), head = 2;
    char frame[8192];
    frame[0] = (char)0x81;
    if (size < 126) frame[1] = (char)(0x80 | size);
    else { frame[1] = (char)(0x80 | 126); frame[2] = (char)(size >> 8); frame[3] = (char)size; head = 4; }
    memset(frame + head, 0, 4);
    memcpy(frame + head + 4, text, size);
    all(c->fd, frame, head + 4 + size);
}

static void message(struct connection *c, char *text, size_t size, uint64_t at) {
    char *mark = memmem(text, size, "t=", 2);
    if (c->state == SUBSCRIBED && mark && mark < text + size - 12 && mark[2] >= '0' && mark[2] <= '9') {
        uint64_t sent = strtoull(mark + 2, NULL, 10);
        if (delivered == room) delays = realloc(delays, (room = room ? room * 2 : 1 << 20) * sizeof *delays);
        delays[delivered++] = (uint32_t)((at - sent) / 1000);
        c->received++;
    } else if (memmem(text, size, "\"ping\"", 6)) {
        say(c, "{\"type\":\"pong\"}");
    } else if (c->state == GREETING && memmem(text, size, "connection_ack", 14)) {
        say(c, c->subscribe);
        c->state = SUBSCRIBED;
        subscribed++;
    } else if (memmem(text, size, "\"error", 6)) {
        fprintf(stderr, "%.*s\n", (int)size, text);
        exit(1);
    }
}

static void readable(struct connection *c) {
    size_t have = c->pending;
    if (have) { memcpy(buffer, c->rest, have); free(c->rest); c->rest = NULL; c->pending = 0; }
    ssize_t got = read(c->fd, buffer + have, sizeof buffer - have);
    if (got < 0 && errno == EAGAIN) got = 0;
    else if (got <= 0) { epoll_ctl(epoll, EPOLL_CTL_DEL, c->fd, NULL); close(c->fd); c->state = GONE; gone++; return; }
    have += got;
    uint64_t at = now();
    char *from = buffer, *end = buffer + have;
    if (c->state == UPGRADING) {
        char *done = memmem(buffer, have, "\r\n\r\n", 4);
        if (done) {
            if (memcmp(buffer, "HTTP/1.1 101", 12)) { fprintf(stderr, "%.*s\n", (int)have, buffer); exit(1); }
            from = done + 4;
            c->state = GREETING;
            say(c, c->hello);
        }
    }
    while (c->state >= GREETING && end - from >= 2) {
        size_t size = from[1] & 0x7F, head = 2;
        if (size == 126) { head = 4; if (end - from < 4) break; size = (uint8_t)from[2] << 8 | (uint8_t)from[3]; }
        if (size == 127) { fprintf(stderr, "too long\n"); exit(1); }
        if ((size_t)(end - from) < head + size) break;
        if ((from[0] & 0x0F) == 1) message(c, from + head, size, at);
        from += head + size;
    }
    if (from < end) { c->pending = end - from; c->rest = malloc(c->pending); memcpy(c->rest, from, c->pending); }
}

static void turn(int milliseconds) {
    struct epoll_event events[512];
    int ready = epoll_wait(epoll, events, 512, milliseconds);
    for (int i = 0; i < ready; i++) {
        struct connection *c = events[i].data.ptr;
        if (!c) { while (recv(valkey, buffer, sizeof buffer, MSG_DONTWAIT) > 0); continue; }
        if (c->state == CONNECTING) {
            char request[512];
            extern char *subprotocol; extern int port;
            snprintf(request, sizeof request, "GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: %s\r\n\r\n", port, subprotocol);
            all(c->fd, request, strlen(request));
            c->state = UPGRADING;
            struct epoll_event in = {.events = EPOLLIN, .data.ptr = c};
            epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &in);
            continue;
        }
        readable(c);
    }
}

char *subprotocol; int port;

static void open_all(void) {
    while (subscribed < count) {
        while (opened < count && opened - subscribed < 128) {
            struct connection *c = &connections[opened++];
            c->fd = dial(port, 1);
            c->state = CONNECTING;
            struct epoll_event out = {.events = EPOLLOUT, .data.ptr = c};
            epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &out);
        }
        turn(100);
        if (gone) { fprintf(stderr, "%d connections lost while connecting\n", gone); exit(1); }
    }
}

static char *channel;

static void publish(int events) {
    static char out[1 << 22];
    size_t used = 0;
    for (int i = 0; i < events; i++) {
        char body[8192], *to = body;
        for (char *from = template; *from;) {
            if (!strncmp(from, "@POSITION@", 10)) { to += sprintf(to, "%ld", position++); from += 10; }
            else if (!strncmp(from, "@NOW@", 5)) { to += sprintf(to, "%llu", (unsigned long long)now()); from += 5; }
            else *to++ = *from++;
        }
        size_t size = to - body;
        used += sprintf(out + used, "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n%s\r\n$%zu\r\n", strlen(channel), channel, size);
        memcpy(out + used, body, size); used += size;
        memcpy(out + used, "\r\n", 2); used += 2;
        if (used > sizeof out - 16384) { all(valkey, out, used); used = 0; }
    }
    all(valkey, out, used);
}

static int ascending(const void *a, const void *b) { return (*(uint32_t *)a > *(uint32_t *)b) - (*(uint32_t *)a < *(uint32_t *)b); }

static void report(size_t expected, double seconds) {
    qsort(delays, delivered, sizeof *delays, ascending);
    long least = -1, most = 0;
    for (int i = stalled; i < count; i++) { long h = connections[i].received; if (least < 0 || h < least) least = h; if (h > most) most = h; connections[i].received = 0; }
    size_t n = delivered ? delivered : 1;
    printf("{\"expected\":%zu,\"delivered\":%zu,\"seconds\":%.6f,\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"least\":%ld,\"most\":%ld,\"gone\":%d}\n",
        expected, delivered, seconds, delivered ? delays[n / 2] / 1e3 : 0, delivered ? delays[n * 9 / 10] / 1e3 : 0,
        delivered ? delays[n * 99 / 100] / 1e3 : 0, delivered ? delays[n - 1] / 1e3 : 0, least, most, gone);
    fflush(stdout);
    delivered = 0;
}

int main(int argc, char **argv) {
    if (argc != 8) { fprintf(stderr, "usage: see the source\n"); return 2; }
    port = atoi(argv[1]); subprotocol = argv[2]; channel = argv[5]; position = atol(argv[7]);
    FILE *file = fopen(argv[3], "r");
    if (!file) die(argv[3]);
    char *line = NULL; size_t space = 0;
    while (getline(&line, &space, file) > 0) {
        connections = realloc(connections, (count + 1) * sizeof *connections);
        char *tab = strchr(line, '\t');
        tab[strcspn(tab, "\n")] = 0; *tab = 0;
        connections[count++] = (struct connection){.hello = strdup(line), .subscribe = strdup(tab + 1)};
    }
    fclose(file);
    file = fopen(argv[6], "r");
    if (!file) die(argv[6]);
    template = calloc(1, 8192);
    if (!fread(template, 1, 8191, file)) die("template");
    template[strcspn(template, "\n")] = 0;
    epoll = epoll_create1(0);
    valkey = dial(atoi(argv[4]), 0);
    struct epoll_event in = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, valkey, &in);
    uint64_t began = now();
    open_all();
    printf("{\"subscribed\":%d,\"seconds\":%.3f}\n", count, (now() - began) / 1e9);
    fflush(stdout);
    char command[64]; double amount, more;
    fcntl(0, F_SETFL, O_NONBLOCK);
    for (;;) {
        ssize_t got = read(0, command, sizeof command - 1);
        if (got == 0) return 0;
        if (got < 0) { turn(20); continue; }
        command[got] = 0;
        if (sscanf(command, "settle %lf", &amount) == 1) {
            for (uint64_t until = now() + amount * 1e9; now() < until;) turn(10);
            report(0, amount);
        } else if (sscanf(command, "stall %lf", &amount) == 1) {
            for (stalled = 0; stalled < (int)amount; stalled++) epoll_ctl(epoll, EPOLL_CTL_DEL, connections[stalled].fd, NULL);
            report(0, 0);
        } else if (sscanf(command, "burst %lf", &amount) == 1) {
            uint64_t start = now(), give_up = start + 60000000000ull;
            publish((int)amount);
            while (delivered < (size_t)amount * (count - stalled) && now() < give_up) turn(100);
            double took = (now() - start) / 1e9;
            report((size_t)amount * (count - stalled), took);
        } else if (sscanf(command, "paced %lf %lf", &amount, &more) == 2) {
            uint64_t start = now(), every = 1e9 / amount; long published = 0, events = amount * more;
            while (published < events) {
                uint64_t due = start + published * every, at = now();
                if (at >= due) { publish(1); published++; continue; }
                turn((int)((due - at) / 1000000));
            }
            uint64_t give_up = now() + 10000000000ull;
            while (delivered < (size_t)events * (count - stalled) && now() < give_up) turn(10);
            report((size_t)events * (count - stalled), (now() - start) / 1e9);
        } else return 0;
    }
}
