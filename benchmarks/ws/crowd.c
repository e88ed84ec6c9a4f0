/* Many WebSocket clients in one thread: opens them, counts what they hear, and says when each message came.
 *
 * usage: crowd PORT FILE. FILE holds a record for each client: two lengths (32 bits, this machine's order), the
 * handshake and what is sent right after it. A message's age is read from the digits after "sent": in it, which are
 * CLOCK_MONOTONIC nanoseconds. Commands on standard input, one a line, each answered by one line of JSON:
 *   open N (N more clients) | reset | report | stall N (the first N read no more) | quit
 * A ping is answered. It never measures itself against a server: it only counts.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 20000, SAMPLES = 12 << 20, BUFFER = 1 << 18, AT_ONCE = 256 };

struct client {
    int fd;
    char *hello, *first;
    uint32_t hello_size, first_size;
    int is_open;
    unsigned char *rest;
    size_t rest_size;
};

static struct client clients[CLIENTS];
static uint32_t *ages;
static size_t messages, frames, bytes, lost, opened, wanted, begun, answered;
static int loop;
static unsigned char buffer[BUFFER * 2];
static int port;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static size_t load(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) die(path);
    size_t count = 0;
    uint32_t sizes[2];
    while (count < CLIENTS && fread(sizes, 4, 2, file) == 2) {
        struct client *c = &clients[count++];
        c->hello_size = sizes[0];
        c->first_size = sizes[1];
        c->hello = malloc(sizes[0] + sizes[1]);
        if (fread(c->hello, 1, sizes[0] + sizes[1], file) != sizes[0] + sizes[1]) die("short file");
        c->first = c->hello + sizes[0];
        c->fd = -1;
    }
    fclose(file);
    return count;
}

static void begin(struct client *c) {
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0) die("socket");
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0) die("connect");
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    if (send(c->fd, c->hello, c->hello_size, 0) != (ssize_t)c->hello_size) die("send");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(loop, EPOLL_CTL_ADD, c->fd, &event);
}

static void lose(struct client *c) {
    epoll_ctl(loop, EPOLL_CTL_DEL, c->fd, NULL);
    close(c->fd);
    c->fd = -1;
    lost++;
}

static void hear(struct client *c, int opcode, const unsigned char *payload, size_t size, uint64_t at) {
    if (opcode == 9) {
        static const char pong[] = "\x8a\x80\0\0\0";
        (void)!send(c->fd, pong, 6, MSG_NOSIGNAL);
        return;
    }
    frames++;
    const char *mark = memmem(payload, size, "\"sent\":", 7);
    if (!mark) return;
    uint64_t sent = strtoull(mark + 7, NULL, 10);
    if (messages < SAMPLES) ages[messages] = (uint32_t)((at - sent) / 1000);
    messages++;
}

/* Return how many bytes were whole frames. */
static size_t read_frames(struct client *c, unsigned char *data, size_t size, uint64_t at) {
    size_t done = 0;
    for (;;) {
        size_t left = size - done;
        unsigned char *f = data + done;
        if (left < 2) return done;
        size_t length = f[1] & 127, head = 2;
        if (length == 126) {
            if (left < 4) return done;
            length = f[2] << 8 | f[3];
            head = 4;
        } else if (length == 127) {
            if (left < 10) return done;
            length = 0;
            for (int i = 2; i < 10; i++) length = length << 8 | f[i];
            head = 10;
        }
        if (left < head + length) return done;
        hear(c, f[0] & 15, f + head, length, at);
        done += head + length;
    }
}

static void take(struct client *c) {
    memcpy(buffer, c->rest, c->rest_size);
    ssize_t got = recv(c->fd, buffer + c->rest_size, BUFFER, 0);
    if (got <= 0) {
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        lose(c);
        return;
    }
    uint64_t at = now_ns();
    bytes += got;
    size_t size = c->rest_size + got, from = 0;
    if (!c->is_open) {
        unsigned char *end = memmem(buffer, size, "\r\n\r\n", 4);
        if (end) {
            if (memcmp(buffer, "HTTP/1.1 101", 12)) {
                fprintf(stderr, "%.200s\n", buffer);
                exit(1);
            }
            from = end + 4 - buffer;
            c->is_open = 1;
            opened++;
            if (c->first_size) (void)!send(c->fd, c->first, c->first_size, MSG_NOSIGNAL);
        }
    }
    if (c->is_open) from += read_frames(c, buffer + from, size - from, at);
    free(c->rest);
    c->rest = NULL;
    c->rest_size = size - from;
    if (c->rest_size) {
        c->rest = malloc(c->rest_size);
        memcpy(c->rest, buffer + from, c->rest_size);
    }
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void report(void) {
    size_t count = messages < SAMPLES ? messages : SAMPLES;
    qsort(ages, count, sizeof *ages, by_size);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"messages\":%zu,\"frames\":%zu,\"bytes\":%zu,\"open\":%zu,\"lost\":%zu,\"cpu_seconds\":%.6f,"
           "\"p50_us\":%u,\"p99_us\":%u,\"max_us\":%u}\n",
           messages, frames, bytes, opened, lost, cpu, count ? ages[count / 2] : 0,
           count ? ages[(size_t)(count * 0.99)] : 0, count ? ages[count - 1] : 0);
    fflush(stdout);
}

static void obey(char *line, size_t known) {
    if (!strncmp(line, "open ", 5)) {
        wanted = begun + strtoul(line + 5, NULL, 10);
        if (wanted > known) wanted = known;
        answered = 0;
    } else if (!strncmp(line, "reset", 5)) {
        messages = frames = bytes = 0;
        printf("{}\n");
        fflush(stdout);
    } else if (!strncmp(line, "report", 6)) {
        report();
    } else if (!strncmp(line, "stall ", 6)) {
        size_t count = strtoul(line + 6, NULL, 10);
        for (size_t i = 0; i < count; i++) epoll_ctl(loop, EPOLL_CTL_DEL, clients[i].fd, NULL);
        printf("{}\n");
        fflush(stdout);
    } else {
        exit(0);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    port = atoi(argv[1]);
    size_t known = load(argv[2]);
    ages = malloc(SAMPLES * sizeof *ages);
    loop = epoll_create1(0);
    struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL}, events[512];
    epoll_ctl(loop, EPOLL_CTL_ADD, 0, &input);
    answered = 1;
    char line[256];
    size_t line_size = 0;
    for (;;) {
        while (begun < wanted && begun - opened - lost < AT_ONCE) begin(&clients[begun++]);
        if (!answered && opened + lost >= wanted) {
            answered = 1;
            printf("{\"open\":%zu}\n", opened);
            fflush(stdout);
        }
        int ready = epoll_wait(loop, events, 512, 1000);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr) {
                take(events[i].data.ptr);
                continue;
            }
            ssize_t got = read(0, line + line_size, sizeof line - 1 - line_size);
            if (got <= 0) return 0;
            line_size += got;
            char *end;
            while ((end = memchr(line, '\n', line_size))) {
                *end = 0;
                obey(line, known);
                line_size -= end + 1 - line;
                memmove(line, end + 1, line_size);
            }
        }
    }
}
