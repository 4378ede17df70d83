// SPDX-License-Identifier: LGPL-2.1-or-later
/* What is left to do on the old phone, and with the papers, once another one is bound. */
#include "binding/binding.h"

static const char *const english[] = {
        "Write down what is still needed of the old phone; the payment records are backed up on this terminal.",
        "Sign out of the acquirer's app and of every payment app on the old phone, then delete them.",
        "Delete the messages of the terminal and of the acquirer, and the codes in them.",
        "Take the old number out of the acquirer's web pages, and out of accounts that are confirmed by it.",
        "Remove saved passwords, photos of papers and cards, and the shop's contacts from the old phone.",
        "Take the SIM card out. If the number is given up, have the operator close it: it is given to others.",
        "Reset the old phone to factory settings before anybody else gets it.",
        "See on the new phone that the notice of the next payment arrives.",
        "Look at the list of backup contacts, and bring it up to date: tillctl binding contacts.",
        "Compare the next two settlements with the acquirer's statement.",
        NULL,
};

static const char *const chinese[] = {
        "记下旧手机中仍需要的内容；交易记录已备份在本终端。",
        "在旧手机上退出收单机构的应用和所有支付应用，然后删除它们。",
        "删除终端和收单机构发来的短信及其中的验证码。",
        "在收单机构的网页和用该号码验证的账户中，解除旧号码。",
        "清除旧手机中保存的密码、证件和银行卡照片以及店铺联系人。",
        "取出SIM卡。号码不再使用时请到运营商销号，否则会转给他人。",
        "旧手机交给他人之前，恢复出厂设置。",
        "确认新手机收到下一笔交易的通知。",
        "检查并更新备用联系人名单：tillctl binding contacts。",
        "接下来两次结算与收单机构的对账单核对。",
        NULL,
};

const char *const *binding_checklist(const char *language) {
        return streq(language, "zh_CN") ? chinese : english;
}
