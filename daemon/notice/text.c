// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A template is text with {words}, each of which is a field. What stands in [brackets] is left out where a field in it
 * is empty. A text message of 70 characters is one part, longer ones go as parts of 67: those that are read in a hurry
 * fit in one or two.
 */
#include "notice/text.h"

#include <time.h>

#include "base/card-number.h"
#include "base/clock.h"
#include "base/phone.h"
#include "base/secret.h"
#include "base/unicode.h"

enum language {
        CHINESE,
        ENGLISH,
        _LANGUAGE_MAX,
};

struct template {
        const char *subject, *body;
};

static const struct template templates[_NOTICE_TEXT_MAX][_LANGUAGE_MAX] = {
        [NOTICE_TEXT_TRANSACTION] = {
                { "交易提醒",
                  "【{merchant}】终端{terminal}于{time}{kind}{amount}成功[{result}][，卡尾号{card}][，订单{reference}]。" },
                { "Transaction",
                  "{merchant}, terminal {terminal}: {kind} of {amount} approved[{result}], {time}[, card ending {card}]"
                  "[, ref {reference}]." },
        },
        [NOTICE_TEXT_SETTLEMENT] = {
                { "结算提醒",
                  "【{merchant}】终端{terminal}批次{name}已结算：共{count}笔[，净额{amount}]，{result}。{time}" },
                { "Settlement",
                  "{merchant}, terminal {terminal}: batch {name} settled, transactions: {count}[, net {amount}], "
                  "{result}. {time}" },
        },
        [NOTICE_TEXT_FAULT] = {
                { "故障提醒", "【{merchant}】终端{terminal}故障：{detail}[未处理故障共{count}项。]{time}" },
                { "Fault", "{merchant}, terminal {terminal}: fault. {detail}[ Open faults: {count}.] {time}" },
        },
        [NOTICE_TEXT_FAULT_ENDED] = {
                { "故障解除", "【{merchant}】终端{terminal}故障已解除：{detail}{time}" },
                { "Fault ended", "{merchant}, terminal {terminal}: this fault is over: {detail} {time}" },
        },
        [NOTICE_TEXT_REPLACEMENT] = {
                { "更换终端预约",
                  "【{merchant}】终端{terminal}[（序列号{serial}）]预约{time}更换。[{detail}]"
                  "请核对来人身份，勿提供密码；非本人预约请先致电收单机构核实，勿交出终端。" },
                { "Replacement of the terminal",
                  "{merchant}: terminal {terminal}[ (serial {serial})] is to be replaced on {time}.[ {detail}] Check "
                  "who comes; give no code. If you did not arrange it, call your acquirer first and hand nothing "
                  "over." },
        },
        [NOTICE_TEXT_OPERATOR_LOCKED] = {
                { "安全提醒：操作员已锁定",
                  "【{merchant}】终端{terminal}操作员{name}因多次输错密码被锁定，{time}。"
                  "如非本人操作，请查看是谁在用终端，并更换该密码。" },
                { "Security: operator locked",
                  "{merchant}, terminal {terminal}: operator {name} is locked after wrong codes, {time}. If it was not "
                  "you, see who is at the terminal and set a new code." },
        },
        [NOTICE_TEXT_CODES_LOCKED] = {
                { "安全提醒：验证码多次输错",
                  "【{merchant}】终端{terminal}更换绑定手机的验证码多次输错，{time}已停止。"
                  "如非本人操作，请立即致电收单机构，勿向任何人提供验证码。" },
                { "Security: wrong codes",
                  "{merchant}, terminal {terminal}: too many wrong codes for a change of the bound phone, stopped "
                  "{time}. If it was not you, call your acquirer now and give codes to nobody." },
        },
        [NOTICE_TEXT_CONTACT_CHANGED] = {
                { "备用联系人变更",
                  "【{merchant}】终端{terminal}的备用联系人{name}已{kind}，{time}。"
                  "如非本人操作，请立即致电收单机构并检查联系人名单。" },
                { "Backup contact changed",
                  "{merchant}, terminal {terminal}: backup contact {name} was {kind}, {time}. If it was not you, call "
                  "your acquirer now and check the list of contacts." },
        },
        [NOTICE_TEXT_OLD_CODE] = {
                { "验证码", "验证码{code}，{minutes}分钟内有效：终端{terminal}的绑定手机将由本机换为{phone}。"
                            "非本人操作勿告诉任何人，并致电收单机构。【{merchant}】" },
                { "Code",
                  "{code} is the code to bind terminal {terminal} to {phone} in place of this phone, for {minutes} min. "
                  "Not you? Give it to nobody and call your acquirer. {merchant}" },
        },
        [NOTICE_TEXT_NEW_CODE] = {
                { "验证码", "验证码{code}，{minutes}分钟内有效：用于将本机绑定到终端{terminal}。"
                            "非本人操作请忽略，勿告诉任何人。【{merchant}】" },
                { "Code",
                  "{code} is the code to bind this phone to terminal {terminal}, for {minutes} min. Not you? Ignore it "
                  "and give it to nobody. {merchant}" },
        },
        [NOTICE_TEXT_LOST_BEGUN] = {
                { "安全提醒：绑定手机报失",
                  "【{merchant}】终端{terminal}的绑定手机被报失，{time}起换绑{phone}。"
                  "如非本人意愿，请在此前到终端或致电店内用取消码{code}取消，并致电收单机构。" },
                { "Security: the bound phone is said to be lost",
                  "{merchant}, terminal {terminal}: its phone is said to be lost; {phone} takes its place {time}. "
                  "Not you? Cancel before, at the terminal or by phoning the shop, with code {code}, and call your acquirer." },
        },
        [NOTICE_TEXT_REBIND_TEST] = {
                { "换绑测试", "【{merchant}】测试通知：终端{terminal}正在绑定本机，以后的通知将发到这里。"
                              "非本人操作请致电收单机构。" },
                { "Test of the new phone",
                  "{merchant}: this is a test. Terminal {terminal} is being bound to this phone; its notices will come "
                  "here. Not you? Call your acquirer." },
        },
        [NOTICE_TEXT_REBOUND] = {
                { "绑定手机已更换",
                  "【{merchant}】终端{terminal}的绑定手机已[由{old_phone}]换为{phone}，{time}。"
                  "如非本人操作，请立即致电收单机构停用终端。" },
                { "Another phone is bound",
                  "{merchant}: terminal {terminal} is bound to {phone}[ in place of {old_phone}] since {time}. Not you? "
                  "Call your acquirer now and have the terminal stopped." },
        },
        [NOTICE_TEXT_ROLLED_BACK] = {
                { "更换绑定手机未完成",
                  "【{merchant}】终端{terminal}更换绑定手机未完成[，仍为{old_phone}]，{time}[：{result}]。"
                  "如非本人发起，请致电收单机构。" },
                { "The phone was not changed",
                  "{merchant}, terminal {terminal}: the bound phone was not changed[, it is still {old_phone}], {time}[: {result}]. "
                  "If you did not begin this, call your acquirer." },
        },
        [NOTICE_TEXT_CHECKLIST] = {
                { "清理旧手机",
                  "【{merchant}】终端{terminal}已绑定本机。请清理旧手机[{old_phone}]：备份后退出并删除收单应用，"
                  "删除交易短信、验证码和账单照片，解除支付绑定，转让前恢复出厂设置。" },
                { "Clean the old phone",
                  "{merchant}: terminal {terminal} is bound to this phone. Clean the old one[ ({old_phone})]: sign out "
                  "of and remove the acquirer's app, delete messages, codes and pictures of slips, end payment "
                  "bindings; reset it before you give it away." },
        },
        [NOTICE_TEXT_TEST] = {
                { "测试通知", "【{merchant}】终端{terminal}测试通知，{time}。收到即表示通知正常，无需处理。" },
                { "Test notice",
                  "{merchant}, terminal {terminal}: this is a test notice, {time}. Notices arrive; there is nothing to "
                  "do." },
        },
};

/* As receipts have them; and what else a field names by a word. */
static const struct {
        const char *word;
        const char *texts[_LANGUAGE_MAX];
} words[] = {
        { "sale", { "消费", "sale" } },
        { "void", { "消费撤销", "void" } },
        { "refund", { "退货", "refund" } },
        { "pre-authorization", { "预授权", "pre-authorization" } },
        { "pre-authorization-void", { "预授权撤销", "void of a pre-authorization" } },
        { "completion", { "预授权完成", "completion" } },
        { "completion-void", { "预授权完成撤销", "void of a completion" } },
        { "offline-sale", { "离线消费", "offline sale" } },
        { "tip", { "小费调整", "tip" } },
        { "to-forward", { "（待上送收单机构）", ", the acquirer is still to be told" } },
        { "balanced", { "对账平", "balanced" } },
        { "unequal", { "对账不平，请核对", "not balanced: compare it with the acquirer's statement" } },
        { "by-agreement", { "经协商结束", "ended by agreement" } },
        { "cancelled", { "已取消", "it was cancelled" } },
        { "cancelled-by-contact", { "被联系人取消", "a contact has cancelled it" } },
        { "timed-out", { "操作超时", "it took too long" } },
        { "wrong-codes", { "验证码多次输错", "too many wrong codes" } },
        { "number-refused", { "号码不是手机号", "the number is no mobile phone's" } },
        { "number-unchecked", { "号码无法核验", "the number could not be checked" } },
        { "not-sent", { "验证码发不出", "a code could not be sent" } },
        { "serial-refused", { "序列号或终端号不符", "the serial or terminal number is another" } },
        { "phone-differs", { "收单机构登记的号码不同", "the acquirer has another phone on record" } },
        { "acquirer-refused", { "收单机构不同意", "the acquirer does not agree" } },
        { "unreachable-host", { "未能连接收单机构", "the acquirer was not reached" } },
        { "nobody-told", { "无法通知任何人", "nobody could be told" } },
        { "not-withdrawn", { "收单机构尚未撤回上次更换", "the acquirer has not taken back the last change" } },
        { "backup-failed", { "交易记录备份失败", "the backup failed" } },
        { "test-notice-failed", { "新手机收不到测试通知", "the new phone got no test notice" } },
        { "test-transaction-failed", { "测试交易失败", "the test transaction failed" } },
        { "not-ready", { "终端未就绪", "the terminal was not ready" } },
        { "interrupted", { "终端中途重启", "the terminal was restarted" } },
        { "storage", { "无法写入磁盘", "the disk could not be written" } },
        { "added", { "添加", "added" } },
        { "changed", { "修改", "changed" } },
        { "removed", { "删除", "removed" } },
        { "test", { "【测试】", "TEST. " } },
        { "training", { "【训练】", "TRAINING. " } },
};

static const char *const late_marks[_LANGUAGE_MAX] = { "【迟到，原发往旧手机】",
                                                       "LATE, meant for the former phone. " };

static enum language language_of(const char *language) {
        return streq(language, "en") ? ENGLISH : CHINESE;
}

static const char *say_word(const char *word, enum language language) {
        for (size_t i = 0; word && i < ELEMENTSOF(words); i++)
                if (streq(words[i].word, word))
                        return words[i].texts[language];
        return strempty(word);
}

/* ---- What is written ---- */

struct out {
        char *at;
        size_t left; /* with the terminator */
        bool full;
};

static void put(struct out *o, const char *text, size_t n) {
        if (n >= o->left) {
                o->full = true;
                return;
        }
        memcpy(o->at, text, n);
        o->at += n;
        o->left -= n;
        *o->at = '\0';
}

static void put_text(struct out *o, const char *text) {
        put(o, text, strlen(text));
}

/* ---- What is filled in ---- */

#define VALUE_MAX 512

/* Others have written it: no controls, no card number. */
static void clean(const char *text, char ret[static VALUE_MAX]) {
        struct out o = { .at = ret, .left = VALUE_MAX };

        *ret = '\0';
        text = strempty(text);
        for (const char *next = text; *text && !o.full; text = next) {
                uint32_t c = unicode_next(&next);

                if (c != 0xfffd && !unicode_is_control(c))
                        put(&o, text, (size_t) (next - text));
        }
        (void) text_mask_card_numbers(ret);
}

/* Fields that are text: how each is said. */

static void say_text(const char *text, enum language language, char ret[static VALUE_MAX]) {
        clean(text, ret);
}

static void say_named(const char *word, enum language language, char ret[static VALUE_MAX]) {
        clean(say_word(word, language), ret);
}

static void say_phone(const char *phone, enum language language, char ret[static VALUE_MAX]) {
        clean(phone, ret);
        if (phone_is_valid(ret))
                phone_mask(phone, ret);
}

/* "128.50 CNY" as it is; readers of Chinese see 128.50元. */
static void say_amount(const char *amount, enum language language, char ret[static VALUE_MAX]) {
        char *currency;

        clean(amount, ret);
        currency = strstr(ret, " CNY");
        if (currency && !currency[4] && language == CHINESE)
                strcpy(currency, "元");
}

static void say_last_four(const char *number, enum language language, char ret[static VALUE_MAX]) {
        size_t n = strlen(strempty(number));

        clean(n > 4 ? number + n - 4 : number, ret);
}

/* Fields that are numbers. */

static void say_number(unsigned number, char ret[static VALUE_MAX]) {
        *ret = '\0';
        if (number > 0)
                (void) snprintf(ret, VALUE_MAX, "%u", number);
}

/* In the terminal's own time zone. */
static void say_time(uint64_t usec, enum language language, char ret[static VALUE_MAX]) {
        time_t seconds = (time_t) (usec / USEC_PER_SEC);
        struct tm tm;

        if (usec == 0 || !localtime_r(&seconds, &tm) ||
            strftime(ret, VALUE_MAX, language == CHINESE ? "%-m月%-d日%H:%M" : "%-d %b %H:%M", &tm) == 0)
                *ret = '\0';
}

static const struct {
        const char *word;
        size_t offset;
        void (*say)(const char *text, enum language language, char ret[static VALUE_MAX]);
} text_fields[] = {
#define FIELD(word, field, say)                                                                                       \
        { word, offsetof(struct notice_fields, field), say }
        FIELD("merchant", merchant, say_text),
        FIELD("terminal", terminal, say_text),
        FIELD("serial", serial, say_text),
        FIELD("phone", phone, say_phone),
        FIELD("old_phone", old_phone, say_phone),
        FIELD("kind", kind, say_named),
        FIELD("result", result, say_named),
        FIELD("amount", amount, say_amount),
        FIELD("card", last_four, say_last_four),
        FIELD("reference", reference, say_text),
        FIELD("name", name, say_text),
        FIELD("code", code, say_text),
#undef FIELD
};

/* Whether there is such a word. */
static bool get_value(const char *word, enum language language, const struct notice_fields *fields,
                      char ret[static VALUE_MAX]) {
        if (streq(word, "detail"))
                clean(language == CHINESE && fields->detail_zh ? fields->detail_zh : fields->detail, ret);
        else if (streq(word, "time"))
                say_time(fields->time_usec, language, ret);
        else if (streq(word, "count"))
                say_number(fields->count, ret);
        else if (streq(word, "minutes"))
                say_number(fields->minutes, ret);
        else {
                for (size_t i = 0; i < ELEMENTSOF(text_fields); i++)
                        if (streq(text_fields[i].word, word)) {
                                text_fields[i].say(
                                        *(const char *const *) ((const char *) fields + text_fields[i].offset),
                                        language, ret);
                                return true;
                        }
                return false;
        }
        return true;
}

/* ---- The template ---- */

/* "{word}…": returns what follows it, NULL for a template that is none. */
static const char *fill_word(struct out *o, const char *text, enum language language,
                             const struct notice_fields *fields, unsigned *empty) {
        char word[16], value[VALUE_MAX];
        WIPE_AT_END(value);
        size_t n = strcspn(++text, "}");

        if (n >= sizeof(word) || !text[n])
                return NULL;
        copy_text(word, n + 1, text);
        if (!get_value(word, language, fields, value))
                return NULL;
        if (!*value)
                ++*empty;
        put_text(o, value);
        return text + n + 1;
}

/* Up to `end`. Returns whether all went well, and in *ret_empty how many fields were empty. */
static bool fill(struct out *o, const char *text, const char *end, enum language language,
                 const struct notice_fields *fields, unsigned *ret_empty) {
        unsigned empty = 0, without;

        while (text && text < end) {
                size_t n = MIN(strcspn(text, "{["), (size_t) (end - text));
                const char *close;
                struct out before;

                put(o, text, n);
                text += n;
                if (text == end)
                        break;
                if (*text == '{') {
                        text = fill_word(o, text, language, fields, &empty);
                        continue;
                }
                close = strchr(text, ']');
                before = *o;
                if (!close || close > end || !fill(o, text + 1, close, language, fields, &without))
                        return false;
                if (without > 0) {
                        *o = before;
                        *o->at = '\0';
                }
                text = close + 1;
        }
        *ret_empty = empty;
        return text == end;
}

int notice_text_make(enum notice_template what, const char *language, const struct notice_fields *fields, char *ret,
                     size_t size) {
        enum language l = language_of(language);
        const struct template *template = templates[what] + l;
        struct out o = { .at = ret, .left = size };
        unsigned empty;

        if (size == 0)
                return -EMSGSIZE;
        *ret = '\0';
        put_text(&o, say_word(fields->mode, l));
        put_text(&o, template->subject);
        put_text(&o, "\n");
        put_text(&o, say_word(fields->mode, l));
        if (!fill(&o, template->body, strchr(template->body, 0), l, fields, &empty))
                return -EINVAL;
        return o.full ? -EMSGSIZE : 0;
}

/* Behind the merchant's name and what stands before it: gateways go by what the text begins with in 【】. */
static const char *skip_signature(const char *body) {
        const char *end;

        while (startswith(body, "【") && (end = strstr(body, "】")))
                body = end + strlen("】");
        return body;
}

int notice_text_mark_late(const char *language, const char *text, char *ret, size_t size) {
        const char *body = strchr(text, '\n');
        struct out o = { .at = ret, .left = size };

        if (!body)
                return -EINVAL;
        if (size == 0)
                return -EMSGSIZE;
        body = skip_signature(body + 1);
        put(&o, text, (size_t) (body - text));
        put_text(&o, late_marks[language_of(language)]);
        put_text(&o, body);
        return o.full ? -EMSGSIZE : 0;
}
