// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/*
 * T=1 against a card that is a script. Blocks are written as ISO 7816-3, Annex A, has them: what the terminal
 * sends and what it gets, by turns, one word each:
 *
 *     I01:0A0B   I-block number 0, more to come, and its field
 *     R1  R1e R1o   R-block for number 1; an error in the checksum, another one
 *     IFS:FE ifs:FE WTX:02 wtx:02 RESYNCH resynch ABORT abort   S requests; as responses
 *     *R1        with a wrong LRC
 *     =00C10100  these bytes
 *     -          nothing comes
 *     >03        no block: the terminal must have granted so many waiting times with the last one
 */

#include "emv-fixture.h"
#include "emv/t1.h"

struct peer {
        const char *at, *what;
        unsigned blocks;
        int end; /* instead of an answer, once the script is over */
};

static uint8_t parse_pcb(const char *word) {
        static const struct {
                const char *name;
                uint8_t pcb;
        } names[] = {
                { "RESYNCH", 0xc0 }, { "IFS", 0xc1 }, { "ABORT", 0xc2 }, { "WTX", 0xc3 },
                { "resynch", 0xe0 }, { "ifs", 0xe1 }, { "abort", 0xe2 }, { "wtx", 0xe3 },
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strncmp(word, names[i].name, strlen(names[i].name)) == 0)
                        return names[i].pcb;
        if (word[0] == 'I')
                return (uint8_t) ((word[1] == '1' ? 0x40 : 0) | (word[2] == '1' ? 0x20 : 0));
        assert_int_equal(word[0], 'R');
        return (uint8_t) (0x80 | (word[1] == '1' ? 0x10 : 0) | (word[2] == 'e' ? 1 : word[2] == 'o' ? 2 : 0));
}

static size_t parse_block(const char *word, uint8_t ret[static BLOCK_MAX]) {
        const char *inf = strchr(word, ':');
        bool garbled = word[0] == '*';
        size_t n = 3;

        if (word[0] == '=')
                return fixture_hex(word + 1, ret, BLOCK_MAX);
        ret[0] = 0;
        ret[1] = parse_pcb(word + garbled);
        if (inf)
                n += fixture_hex(inf + 1, ret + 3, BLOCK_MAX - 4);
        ret[2] = (uint8_t) (n - 3);
        ret[n] = garbled ? 0x5a : 0;
        for (size_t i = 0; i < n; i++)
                ret[n] ^= ret[i];
        return n + 1;
}

static bool next_word(struct peer *p, char word[static 1024]) {
        size_t n;

        p->at += strspn(p->at, " ");
        n = strcspn(p->at, " ");
        memcpy(word, p->at, n);
        word[n] = '\0';
        p->at += n;
        return n > 0;
}

static void assert_sent(struct peer *p, const uint8_t *block, size_t size) {
        uint8_t wanted[BLOCK_MAX];
        char word[1024] = "", text[2 * BLOCK_MAX + 1];

        hex_encode(block, size, text);
        p->blocks++;
        if (!next_word(p, word))
                fail_msg("%s: block %u, %s, after the end of the script", p->what, p->blocks, text);
        if (size != parse_block(word, wanted) || memcmp(block, wanted, size) != 0)
                fail_msg("%s: block %u is %s instead of %s", p->what, p->blocks, text, word);
}

static int answer(struct peer *p, uint8_t ret[static BLOCK_MAX], size_t *ret_size) {
        char word[1024] = "";

        if (!next_word(p, word))
                return p->end;
        if (streq(word, "-"))
                return -EIO;
        *ret_size = parse_block(word, ret);
        return 0;
}

static int exchange(void *userdata, const uint8_t *block, size_t size, unsigned waiting, uint8_t ret[static BLOCK_MAX],
                    size_t *ret_size) {
        struct peer *p = userdata;
        const char *before = p->at;
        char word[1024] = "";
        unsigned granted = 1;

        if (next_word(p, word) && word[0] == '>')
                granted = (unsigned) atoi(word + 1);
        else
                p->at = before;
        if (waiting != granted)
                fail_msg("%s: block %u waits %u times instead of %u", p->what, p->blocks + 1, waiting, granted);
        assert_sent(p, block, size);
        return answer(p, ret, ret_size);
}

static int first(void *userdata, const uint8_t prologue[static T1_PROLOGUE], uint8_t ret[static BLOCK_MAX],
                 size_t *ret_size) {
        struct peer *p = userdata;

        assert_sent(p, prologue, T1_PROLOGUE);
        return answer(p, ret, ret_size);
}

static void init(struct t1 *t, struct peer *p, uint8_t ifsc) {
        struct atr a = { .ifsc = ifsc > 0 ? ifsc : 32 };

        t1_init(t, &a, exchange, p);
        t->ifsd = T1_IFSD_MAX;
}

static void assert_over(const struct peer *p) {
        if (p->at[strspn(p->at, " ")] != '\0')
                fail_msg("%s: the script goes on with %s", p->what, p->at);
}

/* "C>A": the terminal's bytes and the card's, of each APDU. */
struct scenario {
        const char *what, *script, *apdus;
        int result;   /* of the last */
        uint8_t ifsc; /* 32 where it is 0 */
};

static void play(const struct scenario *s) {
        struct peer p = { .at = s->script, .what = s->what, .end = -ENOMEDIUM };
        const char *apdus = s->apdus;
        int r = 0;
        struct t1 t;

        init(&t, &p, s->ifsc);
        while (*apdus && r == 0) {
                uint8_t command[512], wanted[512], response[512];
                size_t n = strcspn(apdus, " "), arrow = strcspn(apdus, ">"), size = 0;
                char text[1024];

                memcpy(text, apdus, n);
                text[n] = text[arrow] = '\0';
                r = t1_transmit(&t, command, fixture_hex(text, command, sizeof(command)), response, 258, &size);
                if (r == 0 && (size != fixture_hex(text + arrow + 1, wanted, sizeof(wanted)) ||
                               memcmp(response, wanted, size) != 0))
                        fail_msg("%s: another response than %s", s->what, text + arrow + 1);
                apdus += n + strspn(apdus + n, " ");
        }
        if (r != s->result)
                fail_msg("%s: %d instead of %d", s->what, r, s->result);
        assert_over(&p);
}

/* ISO 7816-3, Annex A, A.2: nothing goes wrong. */
static const struct scenario without_errors[] = {
        { "1: I-blocks", "I00:01 I00:9000 I10:02 I10:9001 I00:03 I00:9002", "01>9000 02>9001 03>9002" },
        { "2: waiting time extension", "I00:01 WTX:03 >3 wtx:03 I00:9000", "01>9000" },
        { "2: twice, then none", "I00:01 WTX:03 >3 wtx:03 WTX:FF >255 wtx:FF I00:9000 I10:02 I10:9001",
          "01>9000 02>9001" },
        { "a multiplier of nothing", "I00:01 WTX:00 wtx:00 I00:9000", "01>9000" },
        { "4: the card's field size", "I00:01 IFS:10 ifs:10 I00:9000", "01>9000" },
        { "4: … is that of the next chain",
          "I00:01 IFS:10 ifs:10 I00:9000 I11:000102030405060708090A0B0C0D0E0F R0 I00:10 I10:9001",
          "01>9000 000102030405060708090A0B0C0D0E0F10>9001" },
        { "5: the terminal chains", "I01:000102 R1 I11:030405 R0 I00:06 I00:9000", "00010203040506>9000", .ifsc = 3 },
        { "… with the card's last number", "I01:0001 R1 I10:02 I00:9000 I01:0304 R1 I10:05 I10:9001",
          "000102>9000 030405>9001", .ifsc = 2 },
        { "5: the field size in the chain", "I01:0001 IFS:20 ifs:20 R1 I10:02030405 I00:9000", "000102030405>9000",
          .ifsc = 2 },
        { "6: the card chains", "I00:01 I01:AA R1 I11:BB R0 I00:9000 I10:02 I10:9001", "01>AABB9000 02>9001" },
        { "6: with more time in between", "I00:01 I01:AA R1 WTX:02 >2 wtx:02 I10:9000", "01>AA9000" },
        { "7: both chain", "I01:0001 R1 I10:02 I01:AA R1 I10:9000", "000102>AA9000", .ifsc = 2 },
        { "a chain ends with nothing", "I00:01 I01:9000 R1 I10:", "01>9000" },
};

/* A.3.1, A.3.2: blocks that are lost, garbled or not understood; Book 1, 9.2.5. */
static const struct scenario with_errors[] = {
        { "8: the terminal's block is garbled", "I00:01 R0e I00:01 I00:9000", "01>9000" },
        { "9: the card's block is garbled", "I00:01 *I00:9000 R0e I00:9000", "01>9000" },
        { "10: both, one after the other", "I00:01 *R0e R0e R0 I00:01 I00:9000", "01>9000" },
        { "11: nothing comes", "I00:01 - R0o I00:9000", "01>9000" },
        { "nothing has come to the card either", "I00:01 - R0o R0 I00:01 I00:9000", "01>9000" },
        { "12: garbled in the second exchange", "I00:01 I00:9000 I10:02 *I10:9001 R1e I10:9001", "01>9000 02>9001" },
        { "our R-block goes unheard", "I00:01 *I00:9000 R0e - R0e I00:9000", "01>9000" },
        { "14: S(WTX request) garbled", "I00:01 *WTX:02 R0e WTX:02 >2 wtx:02 I00:9000", "01>9000" },
        { "15: S(WTX response) garbled", "I00:01 WTX:02 >2 wtx:02 WTX:02 >2 wtx:02 I00:9000", "01>9000" },
        { "16: what follows the response is", "I00:01 WTX:02 >2 wtx:02 *I00:9000 R0e I00:9000", "01>9000" },
        { "17: S(IFS request) garbled", "I00:01 *IFS:20 R0e IFS:20 ifs:20 I00:9000", "01>9000" },
        { "20: an I-block of a chain garbled", "I01:0001 R0e I01:0001 R1 I10:02 I00:9000", "000102>9000", .ifsc = 2 },
        { "21: the card's R-block garbled", "I01:0001 *R1 R0e R1 I10:02 I00:9000", "000102>9000", .ifsc = 2 },
        { "22: … its repetition, too", "I01:0001 *R1 R0e *R1 R0e R1 I10:02 I00:9000", "000102>9000", .ifsc = 2 },
        { "the last of a chain garbled", "I01:0001 R1 I10:02 R1e I10:02 I00:9000", "000102>9000", .ifsc = 2 },
        { "the card's field shrinks, then again", "I01:00010203 IFS:10 ifs:10 R0 I00:00010203040506 I00:9000",
          "00010203040506>9000", .ifsc = 4 },
        { "24: the card's chain, a block garbled", "I00:01 I01:AA R1 *I10:9000 R1 I10:9000", "01>AA9000" },
        { "25: … our R-block garbled", "I00:01 I01:AA R1 R1e R1 I10:9000", "01>AA9000" },
        { "… both", "I00:01 I01:AA R1 *R1e R1 R1o R1 I10:9000", "01>AA9000" },
        { "a number that is not the next", "I00:01 I10:9000 R0o I00:9000", "01>9000" },
        { "an answer in the middle of a chain", "I01:0001 I00:9000 R0o R1 I10:02 I00:9000", "000102>9000", .ifsc = 2 },
        { "a node address", "I00:01 =010002900093 R0o I00:9000", "01>9000" },
        { "another node address", "I00:01 =2100029000B3 R0o I00:9000", "01>9000" },
        { "a length that is not its own", "I00:01 =0000039000 R0o I00:9000", "01>9000" },
        { "a length that is none", "I00:01 =0000FF9000 R0o I00:9000", "01>9000" },
        { "too short for a block", "I00:01 =000000 R0o I00:9000", "01>9000" },
        { "reserved bits of an I-block", "I00:01 =0001029000 R0o =000102900093 R0o I00:9000", "01>9000" },
        { "an R-block with a field", "I00:01 =00800100 R0o =0080010081 R0o I00:9000", "01>9000" },
        { "reserved bits of an R-block", "I00:01 =00840084 R0o =00830083 R0o I00:9000", "01>9000" },
        { "an R-block for what comes after the end", "I00:01 R1 R0o I00:9000", "01>9000" },
        { "an S-block that is none", "I00:01 =00C400C4 R0o I00:9000", "01>9000" },
        { "S(RESYNCH request), which is not the card's", "I00:01 RESYNCH R0o I00:9000", "01>9000" },
        { "a response to no request", "I00:01 ifs:20 R0o I00:9000", "01>9000" },
        { "S(WTX request) without a field", "I00:01 WTX R0o I00:9000", "01>9000" },
        { "a field size below 16", "I00:01 IFS:0F R0o IFS:FF R0o I00:9000", "01>9000" },
        { "a link of nothing in a chain", "I00:01 I01: R0o I00:9000", "01>9000" },
        { "numbers go on after errors", "I00:01 *I00:9000 R0e I00:9000 I10:02 R1e I10:02 I10:9001 I00:03 I00:9002",
          "01>9000 02>9001 03>9002" },
        { "errors that are not in a row",
          "I01:0001 *R1 R0e *R1 R0e R1 I11:0203 *R0 R0e *R0 R0e R0 I00:04 *I00:9000 R0e - R0e I00:9000",
          "0001020304>9000", .ifsc = 2 },
};

/* 9.2.5.1: the third time is the last, and the card session is over. */
static const struct scenario given_up[] = {
        { "mute", "I00:01 - R0o - R0o -", "01>", -EIO },
        { "garbled", "I00:01 *I00:9000 R0e *I00:9000 R0e *I00:9000", "01>", -EBADMSG },
        { "garbled, the last time mute", "I00:01 *I00:9000 R0e *I00:9000 R0e -", "01>", -EIO },
        { "it does not take our block", "I00:01 R0e I00:01 R0o I00:01 R0e", "01>", -EBADMSG },
        { "it does not take it in a chain", "I01:0001 R1 I10:02 R1e I10:02 R1e I10:02 R1e", "000102>", -EBADMSG, 2 },
        { "it does not take our R-block", "I00:01 I01:AA R1 R1e R1 R1e R1 R1e", "01>", -EBADMSG },
        { "wrong each time in another way", "I00:01 I10:9000 R0o *R0 R0o -", "01>", -EIO },
        { "26: S(ABORT request) in our chain", "I01:0001 ABORT", "000102>", -EBADMSG, 2 },
        { "27: S(ABORT request) in its chain", "I00:01 I01:AA R1 ABORT", "01>", -EBADMSG },
        { "an APDU is all in that case", "I00:01 I00:9000 I10:02 - R1o - R1o -", "01>9000 02>", -EIO },
        { "the card is taken", "I00:01", "01>", -ENOMEDIUM },
        { "… in a chain", "I01:0001 R1 I10:02", "000102>", -ENOMEDIUM, 2 },
};

static void scenarios(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(without_errors); i++)
                play(without_errors + i);
        for (size_t i = 0; i < ELEMENTSOF(with_errors); i++)
                play(with_errors + i);
        for (size_t i = 0; i < ELEMENTSOF(given_up); i++)
                play(given_up + i);
}

/* 9.2.4.1: S(IFS request) is the first block; A.3.3: resynchronisation. */
static void start(void **state) {
        static const struct {
                const char *what, *script;
                int result;
        } cases[] = {
                { "at once", "IFS:FE ifs:FE" },
                { "garbled", "IFS:FE *ifs:FE IFS:FE ifs:FE" },
                { "not understood", "IFS:FE R0e IFS:FE R0o IFS:FE ifs:FE" },
                { "mute", "IFS:FE - IFS:FE - IFS:FE ifs:FE" },
                { "another value", "IFS:FE ifs:20 IFS:FE ifs:FE" },
                { "another response", "IFS:FE wtx:FE IFS:FE ifs:FE" },
                { "an I-block", "IFS:FE I00:9000 IFS:FE ifs:FE" },
                { "the card's own first", "IFS:FE IFS:40 ifs:40 ifs:FE" },
                { "30: resynchronised", "IFS:FE - IFS:FE - IFS:FE - RESYNCH resynch IFS:FE ifs:FE" },
                { "31: after a garbled response",
                  "IFS:FE - IFS:FE - IFS:FE - RESYNCH *resynch RESYNCH resynch IFS:FE ifs:FE" },
                { "after what the card will not take",
                  "IFS:FE R0o IFS:FE R0o IFS:FE R0o RESYNCH - RESYNCH - RESYNCH resynch IFS:FE ifs:FE" },
                { "32: without end", "IFS:FE - IFS:FE - IFS:FE - RESYNCH - RESYNCH - RESYNCH -", -EIO },
                { "in vain", "IFS:FE - IFS:FE - IFS:FE - RESYNCH resynch IFS:FE - IFS:FE - IFS:FE -", -EIO },
                { "refused", "IFS:FE R0o IFS:FE R0o IFS:FE R0o RESYNCH R0o RESYNCH R0o RESYNCH R0o", -EBADMSG },
                { "aborted and no more", "IFS:FE ABORT RESYNCH ABORT", -EBADMSG },
                { "taken", "IFS:FE", -ENOMEDIUM },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct peer p = { .at = cases[i].script, .what = cases[i].what, .end = -ENOMEDIUM };
                struct t1 t;
                int r;

                init(&t, &p, 0);
                t.ifsd = 32;
                r = t1_start(&t, 0xfe);
                if (r != cases[i].result)
                        fail_msg("%s: %d instead of %d", cases[i].what, r, cases[i].result);
                assert_int_equal(t.ifsd, r == 0 ? 0xfe : 32);
                assert_over(&p);
        }
}

static void sizes(void **state) {
        struct peer p = { .at = "I00:01 I00:AABBCC9000 R0o I00:AA9000", .what = "more than was agreed on" };
        uint8_t response[8], command = 1;
        size_t n = 0;
        struct t1 t;

        init(&t, &p, 0);
        t.ifsd = 4;
        assert_int_equal(t1_transmit(&t, &command, 1, response, sizeof(response), &n), 0);
        assert_int_equal(n, 3);
        assert_over(&p);

        /* A chain that is longer than any response. */
        p = (struct peer){ .at = "I00:01 I01:AABBCCDD R1 I11:AABBCCDD R0 I01:AA", .what = "too much" };
        init(&t, &p, 0);
        assert_int_equal(t1_transmit(&t, &command, 1, response, sizeof(response), &n), -EBADMSG);
        assert_over(&p);
}

/* A card that asks for time, and again, does not hold the terminal for ever. */
static int waits(void *userdata, const uint8_t *block, size_t size, unsigned waiting, uint8_t ret[static BLOCK_MAX],
                 size_t *ret_size) {
        memcpy(ret, "\x00\xc3\x01\x01\xc3", 5);
        *ret_size = 5;
        (*(unsigned *) userdata)++;
        return 0;
}

static void endless(void **state) {
        struct atr a = { .ifsc = 32 };
        uint8_t response[258], command = 1;
        unsigned blocks = 0;
        size_t n = 0;
        struct t1 t;

        t1_init(&t, &a, waits, &blocks);
        assert_int_equal(t1_transmit(&t, &command, 1, response, sizeof(response), &n), -EBADMSG);
        assert_int_equal(blocks, 256);
}

/* A block that the reader makes: its prologue comes from here, and it can be sent once. */
static void hidden(void **state) {
        static const struct {
                const char *what, *script;
                int result;
        } cases[] = {
                { "at once", "=00000D I00:9000 I10:01 I10:9001" },
                { "more time", "=00000D WTX:05 >5 wtx:05 I00:9000 I10:01 I10:9001" },
                { "the answer garbled", "=00000D *I00:9000 R0e I00:9000 I10:01 I10:9001" },
                { "no answer heard", "=00000D - R0o I00:9000 I10:01 I10:9001" },
                { "the card wants it again", "=00000D R0e", -EBADMSG },
                { "the card is taken", "=00000D", -ENOMEDIUM },
        };
        uint8_t response[258], command = 1;
        size_t n = 0;
        struct t1 t;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct peer p = { .at = cases[i].script, .what = cases[i].what, .end = -ENOMEDIUM };
                int r;

                init(&t, &p, 0);
                r = t1_transmit_hidden(&t, first, 13, response, sizeof(response), &n);
                if (r != cases[i].result)
                        fail_msg("%s: %d instead of %d", cases[i].what, r, cases[i].result);
                if (r == 0) {
                        assert_int_equal(n, 2);
                        assert_memory_equal(response, "\x90\x00", 2);
                        assert_int_equal(t1_transmit(&t, &command, 1, response, sizeof(response), &n), 0);
                }
                assert_over(&p);
        }

        /* Nothing was entered: the number is not used up. */
        {
                struct peer p = { .at = "=00000D", .what = "cancelled", .end = -ENOKEY };

                init(&t, &p, 0);
                assert_int_equal(t1_transmit_hidden(&t, first, 13, response, sizeof(response), &n), -ENOKEY);
                p.at = "I00:01 I00:9000";
                assert_int_equal(t1_transmit(&t, &command, 1, response, sizeof(response), &n), 0);
        }
        init(&t, NULL, 12);
        assert_int_equal(t1_transmit_hidden(&t, first, 13, response, sizeof(response), &n), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(scenarios), cmocka_unit_test(start),  cmocka_unit_test(sizes),
                cmocka_unit_test(endless),   cmocka_unit_test(hidden),
        };

        return cmocka_run_group_tests_name("emv: T=1", tests, NULL, NULL);
}
