#define _GNU_SOURCE
#include "answer.h"

#include <stdlib.h>
#include <string.h>

void answer_reset(struct answer *a) {
    a->state = ANSWER_HEAD;
    a->head_length = a->line_length = 0;
    a->closing = a->past_size = false;
    a->status = 0;
    a->left = a->body_bytes = 0;
}

static const char *field(const char *head, const char *name) {
    const char *at = strcasestr(head, name);
    return at ? at + strlen(name) : NULL;
}

static enum answer_state framing(const struct answer *a, bool coded, bool sized) {
    if (a->status == 204 || a->status == 304) return ANSWER_WHOLE;
    if (coded) return ANSWER_CHUNK_SIZE;
    if (!sized) return ANSWER_UNTIL_CLOSE;
    return a->left ? ANSWER_BODY : ANSWER_WHOLE;
}

/* Read a whole head: choose how the body is framed. After a 1xx another head comes. */
static const char *understand(struct answer *a) {
    const char *length = field(a->head, "\r\ncontent-length:"), *coding = field(a->head, "\r\ntransfer-encoding:");
    a->status = atoi(a->head + 9);
    if (memcmp(a->head, "HTTP/1.", 7) || a->status < 100 || a->status > 599) return "not an HTTP answer";
    a->closing = field(a->head, "\r\nconnection: close") != NULL;
    a->left = length && !coding ? strtoull(length, NULL, 10) : 0;
    a->state = a->status < 200 ? ANSWER_HEAD : framing(a, coding, length);
    return NULL;
}

static const char *feed_head(struct answer *a, const char *data, size_t size, size_t *took) {
    size_t before = a->head_length, room = ANSWER_HEAD_LIMIT - 1 - before;
    *took = size < room ? size : room;
    if (!*took) return "answer head too long";
    memcpy(a->head + before, data, *took);
    a->head_length += *took;
    char *end = memmem(a->head, a->head_length, "\r\n\r\n", 4);
    if (!end) return NULL;
    *took = (size_t)(end - a->head) + 4 - before;
    end[2] = 0;
    a->head_length = 0;
    return understand(a);
}

static int digit(char ch) {
    if (ch >= '0' && ch <= '9') return ch - '0';
    ch |= 32;
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* One byte of a chunk-size line or a trailer line. */
static void feed_line(struct answer *a, char ch) {
    if (ch == '\r') return;
    if (ch != '\n') {
        if (digit(ch) < 0) a->past_size = true; /* an extension: its digits are not the size's */
        if (a->state == ANSWER_CHUNK_SIZE && !a->past_size) a->left = a->left * 16 + (uint64_t)digit(ch);
        a->line_length++;
        return;
    }
    if (a->state == ANSWER_TRAILER) a->state = a->line_length ? ANSWER_TRAILER : ANSWER_WHOLE;
    else if (a->left) a->state = ANSWER_CHUNK_DATA, a->left += 2;
    else a->state = ANSWER_TRAILER;
    a->line_length = 0;
    a->past_size = false;
}

static size_t feed_body(struct answer *a, size_t size) {
    if (a->state == ANSWER_UNTIL_CLOSE) {
        a->body_bytes += size;
        return size;
    }
    size_t take = size < a->left ? size : (size_t)a->left;
    a->body_bytes += take;
    a->left -= take;
    if (!a->left) a->state = a->state == ANSWER_CHUNK_DATA ? ANSWER_CHUNK_SIZE : ANSWER_WHOLE;
    return take;
}

const char *answer_feed(struct answer *a, const char *data, size_t size) {
    while (size) {
        size_t took = 1;
        const char *wrong = NULL;
        if (a->state == ANSWER_WHOLE) return "bytes after the answer";
        if (a->state == ANSWER_HEAD) wrong = feed_head(a, data, size, &took);
        else if (a->state == ANSWER_CHUNK_SIZE || a->state == ANSWER_TRAILER) feed_line(a, *data);
        else took = feed_body(a, size);
        if (wrong) return wrong;
        data += took, size -= took;
    }
    return NULL;
}
