// The least that a server can do: what Valkey publishes is written to every subscriber as a frame. One thread, epoll; no GraphQL, no rights,
// no pings, no bounds. It is the floor that the others are measured against.
//
//   minimal_server PORT VALKEY_PORT CHANNEL [coalesce]     coalesce: what came in one read of Valkey goes out in one write to each
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct client { int fd, upgraded, subscribed; char head[256]; size_t head_size; char *pending; size_t pending_size; };
static struct client *clients[65536];
static int top, epoll;
static char buffer[1 << 20], received[1 << 20];
static size_t received_size;

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096)) { perror("listen"); exit(1); }
    return fd;
}

static void put(struct client *c, const char *data, size_t size) {
    if (!c->pending_size) {
        ssize_t sent = write(c->fd, data, size);
        if (sent < 0) sent = 0;
        if ((size_t)sent == size) return;
        data += sent; size -= sent;
        struct epoll_event both = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &both);
    }
    c->pending = realloc(c->pending, c->pending_size + size);
    memcpy(c->pending + c->pending_size, data, size);
    c->pending_size += size;
}

static void flush(struct client *c) {
    ssize_t sent = write(c->fd, c->pending, c->pending_size);
    if (sent <= 0) return;
    memmove(c->pending, c->pending + sent, c->pending_size - sent);
    c->pending_size -= sent;
    if (!c->pending_size) { struct epoll_event in = {.events = EPOLLIN, .data.ptr = c}; epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &in); }
}

static size_t frame(char *to, struct client *c, const char *payload, size_t size) {
    size_t length = c->head_size + size + 3, at = 2;
    to[0] = (char)0x81;
    if (length < 126) to[1] = (char)length;
    else { to[1] = 126; to[2] = (char)(length >> 8); to[3] = (char)length; at = 4; }
    memcpy(to + at, c->head, c->head_size); at += c->head_size;
    memcpy(to + at, payload, size); at += size;
    memcpy(to + at, "}}}", 3);
    return at + 3;
}

static void text(struct client *c, char *data, size_t size) {
    char *id;
    if (memmem(data, size, "connection_init", 15)) put(c, "\x81\x19{\"type\":\"connection_ack\"}", 27);
    else if (memmem(data, size, "\"subscribe\"", 11) && (id = memmem(data, size, "\"id\":\"", 6))) {
        id += 6;
        int length = (int)(strchr(id, '"') - id);
        c->head_size = snprintf(c->head, sizeof c->head, "{\"id\":\"%.*s\",\"type\":\"next\",\"payload\":{\"data\":{\"changes\":", length, id);
        c->subscribed = 1;
    }
}

static void readable(struct client *c) {
    ssize_t got = read(c->fd, buffer, sizeof buffer - 1);
    if (got <= 0) { epoll_ctl(epoll, EPOLL_CTL_DEL, c->fd, NULL); close(c->fd); c->subscribed = 0; return; }
    buffer[got] = 0;
    if (!c->upgraded) {  // the load client always sends the same key
        const char *answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n";
        put(c, answer, strlen(answer));
        c->upgraded = 1;
        return;
    }
    for (char *from = buffer; from < buffer + got;) {
        size_t size = from[1] & 0x7F, head = 2;
        if (size == 126) { size = (uint8_t)from[2] << 8 | (uint8_t)from[3]; head = 4; }
        char *body = from + head + 4;
        for (size_t i = 0; i < size; i++) body[i] ^= from[head + i % 4];
        text(c, body, size);
        from = body + size;
    }
}

static void deliver(char **messages, size_t *sizes, int many) {
    static char out[1 << 20];
    for (int i = 0; i < top; i++) {
        struct client *c = clients[i];
        if (!c->subscribed) continue;
        size_t used = 0;
        for (int m = 0; m < many; m++) used += frame(out + used, c, messages[m], sizes[m]);
        put(c, out, used);
    }
}

static void receive(int valkey, int coalesce) {
    ssize_t got = read(valkey, received + received_size, sizeof received - received_size);
    if (got <= 0) exit(0);
    received_size += got;
    char *messages[512], *from = received, *end = received + received_size;
    size_t sizes[512];
    int many = 0;
    for (;;) {  // *3 $7 message $n channel $n payload, or *3 $9 subscribe $n channel :1
        char *at = from; int fields = 0, is_message = 0; char *payload = NULL; size_t size = 0;
        if (end - at < 4 || !(at = memmem(at, end - at, "\r\n", 2))) break;
        at += 2;
        while (fields < 3 && at < end) {
            char *line = memmem(at, end - at, "\r\n", 2);
            if (!line) break;
            if (*at == ':') { at = line + 2; fields++; continue; }
            size = strtoul(at + 1, NULL, 10);
            payload = line + 2;
            if (payload + size + 2 > end) break;
            if (!fields) is_message = size == 7;
            at = payload + size + 2;
            fields++;
        }
        if (fields < 3) break;
        if (is_message) { messages[many] = payload; sizes[many++] = size; }
        from = at;
        if (many && (!coalesce || many == 128)) { deliver(messages, sizes, many); many = 0; }
    }
    if (many) deliver(messages, sizes, many);
    memmove(received, from, end - from);
    received_size = end - from;
}

int main(int argc, char **argv) {
    int coalesce = argc > 4, listener = listen_on(atoi(argv[1]));
    int valkey = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(valkey, (struct sockaddr *)&to, sizeof to)) { perror("valkey"); return 1; }
    char hello[256];
    int size = snprintf(hello, sizeof hello, "*2\r\n$9\r\nSUBSCRIBE\r\n$%zu\r\n%s\r\n", strlen(argv[3]), argv[3]);
    if (write(valkey, hello, size) != size) return 1;
    epoll = epoll_create1(0);
    struct epoll_event a = {.events = EPOLLIN, .data.ptr = &listener}, b = {.events = EPOLLIN, .data.ptr = &valkey};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &a);
    epoll_ctl(epoll, EPOLL_CTL_ADD, valkey, &b);
    for (;;) {
        struct epoll_event events[512];
        int ready = epoll_wait(epoll, events, 512, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr == &listener) {
                int fd;
                while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    struct client *c = calloc(1, sizeof *c);
                    c->fd = fd;
                    clients[top++] = c;
                    struct epoll_event in = {.events = EPOLLIN, .data.ptr = c};
                    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &in);
                }
            } else if (events[i].data.ptr == &valkey) receive(valkey, coalesce);
            else {
                struct client *c = events[i].data.ptr;
                if (events[i].events & EPOLLOUT) flush(c);
                if (events[i].events & (EPOLLIN | EPOLLHUP)) readable(c);
            }
        }
    }
}
