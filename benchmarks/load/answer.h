/* Finds the end of one HTTP/1.1 answer. Knows nothing of sockets and never judges more than framing and status. */
#ifndef ANSWER_H
#define ANSWER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ANSWER_HEAD_LIMIT = 32 << 10 };
enum answer_state {
    ANSWER_HEAD,
    ANSWER_BODY,
    ANSWER_UNTIL_CLOSE,
    ANSWER_CHUNK_SIZE,
    ANSWER_CHUNK_DATA,
    ANSWER_TRAILER,
    ANSWER_WHOLE
};

struct answer {
    enum answer_state state;
    bool closing; /* it said Connection: close */
    bool past_size;
    int status;
    uint64_t left, body_bytes;
    size_t head_length, line_length;
    char head[ANSWER_HEAD_LIMIT];
};

/* Forget the last answer. */
void answer_reset(struct answer *a);

/* Take in what was received; return NULL, or what is wrong with it. Bytes after the answer are wrong. */
const char *answer_feed(struct answer *a, const char *data, size_t size);

#endif
