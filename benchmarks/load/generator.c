/* Load for one HTTP/1.1 server on 127.0.0.1: keep-alive connections, one request at a time on each.
 *
 * Owns: sending prepared requests, reading answers to their end, counting and timing them. Never judges an answer
 * beyond its framing and status. Closed loop (--rate 0): a connection sends its next request when its answer is whole.
 * Open loop (--rate R): request i is due at start + i/R whatever the server does, and its latency counts from then;
 * how late this process itself noticed a due request is reported separately.
 *
 * The request file is a sequence of records, host byte order: u32 length, i32 offset of the traceparent value or -1,
 * u32 fill (bytes of body to invent after the record), then `length` bytes. */
#define _GNU_SOURCE
#include "answer.h"

#include <errno.h>
#include <fcntl.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_LIMIT = 16 << 10, CHUNK = 256 << 10, EVENTS = 256, GRACE_SECONDS = 10 };

struct record {
    const char *bytes;
    uint32_t length, fill;
    int32_t trace;
};

struct connection {
    int fd;
    bool asked, writing; /* a request is under way; we wait to write more of it */
    uint64_t due;
    const struct record *record;
    size_t out_sent, fill_left;
    struct answer answer;
    char out[REQUEST_LIMIT];
};

struct samples {
    uint32_t *values;
    size_t count, room;
};

static struct {
    int port, connections;
    double seconds, rate;
    const char *file;
    size_t skip, limit;
} option = {.connections = 64, .seconds = 3, .limit = SIZE_MAX};

static struct record *records;
static size_t record_count, next_record, taken;
static struct connection *connections;
static struct connection **idle;
static size_t idle_count, in_flight;
static uint64_t finish, last_answer, sent_bytes, received_bytes, body_bytes;
static uint64_t errors, reconnects, statuses[600];
static struct samples latency, lateness;
static char piece[CHUNK], filling[CHUNK];
static int poller;

static void die(const char *what) {
    fprintf(stderr, "generator: %s: %s\n", what, strerror(errno));
    exit(2);
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void sample(struct samples *s, uint64_t ns) {
    if (s->count == s->room) {
        s->room = s->room ? s->room * 2 : 1 << 16;
        s->values = realloc(s->values, s->room * sizeof *s->values);
        if (!s->values) die("memory");
    }
    s->values[s->count++] = ns > UINT32_MAX * 100ull ? UINT32_MAX : (uint32_t)(ns / 100);
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double quantile(const struct samples *s, double q) {
    if (!s->count) return 0;
    size_t i = (size_t)(q * (double)s->count);
    return s->values[i < s->count ? i : s->count - 1] / 10.0;
}

/* ---- requests ---- */

static void load_records(void) {
    int fd = open(option.file, O_RDONLY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st)) die(option.file);
    char *all = malloc((size_t)st.st_size);
    size_t room = 1024, have = 0;
    records = malloc(room * sizeof *records);
    while (have < (size_t)st.st_size) {
        ssize_t n = read(fd, all + have, (size_t)st.st_size - have);
        if (n <= 0) die("reading requests");
        have += (size_t)n;
    }
    close(fd);
    for (size_t at = 0; at + 12 <= have;) {
        struct record r;
        memcpy(&r.length, all + at, 4);
        memcpy(&r.trace, all + at + 4, 4);
        memcpy(&r.fill, all + at + 8, 4);
        r.bytes = all + at + 12;
        at += 12 + r.length;
        if (r.length > REQUEST_LIMIT || at > have) die("broken request file");
        if (record_count == room) records = realloc(records, (room *= 2) * sizeof *records);
        records[record_count++] = r;
    }
    if (!record_count) die("no requests");
    next_record = option.skip % record_count;
}

static void random_hex(char *to, int digits) {
    static uint64_t x = 0;
    static const char hex[] = "0123456789abcdef";
    if (!x) x = now_ns() | 1;
    for (int i = 0; i < digits; i += 16) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        for (int j = 0; j < 16 && i + j < digits; j++) to[i + j] = hex[(x >> (4 * j)) & 15];
    }
}

static bool exhausted(void) { return taken >= option.limit; }

/* Take the next record: the last one that was taken is followed by the first. */
static void prepare(struct connection *c) {
    const struct record *r = c->record = &records[next_record];
    next_record = next_record + 1 == record_count ? 0 : next_record + 1;
    taken++;
    memcpy(c->out, r->bytes, r->length);
    if (r->trace >= 0) {
        random_hex(c->out + r->trace + 3, 32);
        random_hex(c->out + r->trace + 36, 16);
    }
}

static void rewind_request(struct connection *c) {
    c->asked = true;
    c->out_sent = 0;
    c->fill_left = c->record->fill;
    answer_reset(&c->answer);
}

/* ---- connections ---- */

static void watch(struct connection *c, int operation, bool writing) {
    struct epoll_event e = {.events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = c};
    if (epoll_ctl(poller, operation, c->fd, &e)) die("epoll_ctl");
    c->writing = writing;
}

static void dial(struct connection *c) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)option.port)};
    int one = 1;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to)) die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    c->asked = false;
    watch(c, EPOLL_CTL_ADD, false);
}

static void redial(struct connection *c) {
    close(c->fd);
    reconnects++;
    dial(c);
}

/* Push out what is left of the request; false when the connection broke. */
static bool flush(struct connection *c) {
    while (c->out_sent < c->record->length || c->fill_left) {
        bool head = c->out_sent < c->record->length;
        const char *from = head ? c->out + c->out_sent : filling;
        size_t size = head ? c->record->length - c->out_sent : c->fill_left < CHUNK ? c->fill_left : CHUNK;
        ssize_t n = send(c->fd, from, size, MSG_NOSIGNAL | (head && c->fill_left ? MSG_MORE : 0));
        if (n < 0 && errno == EAGAIN) {
            if (!c->writing) watch(c, EPOLL_CTL_MOD, true);
            return true;
        }
        if (n < 0) return false;
        sent_bytes += (uint64_t)n;
        if (head) c->out_sent += (size_t)n;
        else c->fill_left -= (size_t)n;
    }
    if (c->writing) watch(c, EPOLL_CTL_MOD, false);
    return true;
}

static void start(struct connection *c, uint64_t due) {
    prepare(c);
    rewind_request(c);
    c->due = due;
    in_flight++;
    if (flush(c)) return;
    redial(c); /* the server closed the idle connection while we wrote: a fresh one gets the same request */
    rewind_request(c);
    if (!flush(c)) die("send");
}

/* What a connection does next: in a closed loop another request, otherwise it waits for one. */
static void carry_on(struct connection *c, uint64_t now) {
    in_flight--;
    c->asked = false;
    if (option.rate == 0 && now < finish && !exhausted()) start(c, now);
    else idle[idle_count++] = c;
}

static void answered(struct connection *c, bool closed) {
    uint64_t now = last_answer = now_ns();
    sample(&latency, now - c->due);
    statuses[c->answer.status]++;
    body_bytes += c->answer.body_bytes;
    if (closed || c->answer.closing || c->fill_left) redial(c); /* an early answer: the rest is never sent */
    carry_on(c, now);
}

static void broken(struct connection *c) {
    bool asked = c->asked;
    if (asked && c->answer.state == ANSWER_UNTIL_CLOSE) {
        answered(c, true);
        return;
    }
    redial(c);
    if (!asked) return;
    if (++errors > 1000) die("over 1000 broken answers");
    carry_on(c, now_ns());
}

static void readable(struct connection *c) {
    ssize_t n = recv(c->fd, piece, CHUNK, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        broken(c);
        return;
    }
    received_bytes += (uint64_t)n;
    const char *wrong = c->asked ? answer_feed(&c->answer, piece, (size_t)n) : "an answer without a request";
    if (wrong) errno = EPROTO, die(wrong);
    if (c->answer.state == ANSWER_WHOLE) answered(c, false);
}

/* ---- loops ---- */

static void poll_once(int wait_ms) {
    struct epoll_event events[EVENTS];
    int n = epoll_wait(poller, events, EVENTS, wait_ms);
    for (int i = 0; i < n; i++) {
        struct connection *c = events[i].data.ptr;
        if (!c) continue; /* the timer: edge-triggered, so its count need not be read */
        if ((events[i].events & EPOLLOUT) && !flush(c)) broken(c);
        else if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(c);
    }
}

static void closed_loop(uint64_t begin) {
    finish = begin + (uint64_t)(option.seconds * 1e9);
    for (int i = 0; i < option.connections && !exhausted(); i++) start(&connections[i], now_ns());
    while (now_ns() < finish && in_flight) poll_once(20);
}

static void arm(int timer, uint64_t at) {
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(at / 1000000000u), .tv_nsec = (long)(at % 1000000000u)}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void open_loop(uint64_t begin) {
    uint64_t total = (uint64_t)(option.rate * option.seconds), seen = 0, begun = 0;
    double interval = 1e9 / option.rate;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
    if (timer < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, timer, &e)) die("timer");
    finish = begin + (uint64_t)(option.seconds * 1e9);
    for (int i = 0; i < option.connections; i++) idle[idle_count++] = &connections[i];
    while (begun < total) {
        uint64_t now = now_ns();
        for (; seen < total && begin + (uint64_t)((double)seen * interval) <= now; seen++)
            sample(&lateness, now - (begin + (uint64_t)((double)seen * interval)));
        while (begun < seen && idle_count) start(idle[--idle_count], begin + (uint64_t)((double)begun++ * interval));
        if (now > finish + GRACE_SECONDS * 1000000000ull) break;
        if (seen < total) arm(timer, begin + (uint64_t)((double)seen * interval));
        poll_once(100);
    }
    close(timer);
}

static void report(uint64_t begin) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec;
    cpu += (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    if (latency.count) qsort(latency.values, latency.count, sizeof(uint32_t), ascending);
    if (lateness.count) qsort(lateness.values, lateness.count, sizeof(uint32_t), ascending);
    printf("{\"requests\":%zu,\"seconds\":%.6f,\"cpu_seconds\":%.6f,", latency.count, (double)(last_answer - begin) / 1e9, cpu);
    printf("\"errors\":%lu,\"unanswered\":%zu,\"reconnects\":%lu,", errors, in_flight, reconnects);
    printf("\"sent_bytes\":%lu,\"received_bytes\":%lu,\"body_bytes\":%lu,\"statuses\":{", sent_bytes, received_bytes, body_bytes);
    const char *comma = "";
    for (int i = 100; i < 600; i++)
        if (statuses[i]) printf("%s\"%d\":%lu", comma, i, statuses[i]), comma = ",";
    printf("},\"latency_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},", quantile(&latency, .5),
           quantile(&latency, .9), quantile(&latency, .99), quantile(&latency, .999), quantile(&latency, 1));
    printf("\"late_us\":{\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f}}\n", quantile(&lateness, .5), quantile(&lateness, .99),
           quantile(&lateness, 1));
}

static void read_options(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (!strcmp(name, "--port")) option.port = atoi(value);
        else if (!strcmp(name, "--connections")) option.connections = atoi(value);
        else if (!strcmp(name, "--seconds")) option.seconds = atof(value);
        else if (!strcmp(name, "--rate")) option.rate = atof(value);
        else if (!strcmp(name, "--requests")) option.file = value;
        else if (!strcmp(name, "--skip")) option.skip = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--limit")) option.limit = strtoull(value, NULL, 10);
        else errno = EINVAL, die(name);
    }
    if (!option.port || !option.file) errno = EINVAL, die("--port and --requests are needed");
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    load_records();
    memset(filling, 'x', sizeof filling);
    connections = calloc((size_t)option.connections, sizeof *connections);
    idle = calloc((size_t)option.connections, sizeof *idle);
    poller = epoll_create1(0);
    if (!connections || !idle || poller < 0) die("start");
    for (int i = 0; i < option.connections; i++) dial(&connections[i]);
    uint64_t begin = now_ns();
    if (option.rate > 0) open_loop(begin);
    else closed_loop(begin);
    uint64_t patience = now_ns() + GRACE_SECONDS * 1000000000ull;
    while (in_flight && now_ns() < patience) poll_once(20);
    report(begin);
    return 0;
}
