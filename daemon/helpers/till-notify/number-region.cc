// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-notify/number-region.h"

#include <phonenumbers/phonenumberutil.h>

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

enum number_kind number_region(const char *phone, char region[4]) {
        const PhoneNumberUtil *util = PhoneNumberUtil::GetInstance();
        PhoneNumber number;
        std::string code;

        region[0] = '\0';
        if (util->Parse(phone, "ZZ", &number) != PhoneNumberUtil::NO_PARSING_ERROR || !util->IsValidNumber(number))
                return NUMBER_UNKNOWN;
        util->GetRegionCodeForNumber(number, &code);
        region[code.copy(region, 3)] = '\0';
        switch (util->GetNumberType(number)) {
        case PhoneNumberUtil::MOBILE:
        case PhoneNumberUtil::FIXED_LINE_OR_MOBILE:
                return NUMBER_MOBILE;
        default:
                return NUMBER_FIXED;
        }
}
