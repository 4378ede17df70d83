// SPDX-License-Identifier: GPL-2.0-only
/*
 * till: what a printer is, by its IEEE 1284 device id
 *
 * An id is text: KEY:value; and again, values of some keys being lists with
 * commas. Keys are written in short or in full, in either case, with spaces
 * around them or not. Examples from the field:
 *
 *	MFG:EPSON;CMD:ESC/POS;MDL:TM-T88V;CLS:PRINTER;DES:EPSON TM-T88V;
 *	MANUFACTURER:;COMMAND SET:ESC/POS;MODEL:ELGIN I9;COMMENT:Impact Printer;
 *	MFG:Printer;CMD:EPSON;MDL:POS-80;CLS:PRINTER;1
 */

#include <linux/types.h>

#include "till_ieee1284.h"

/**
 * struct till_ieee1284_text - a part of an id; not terminated
 * @p: its first byte
 * @length: its bytes
 */
struct till_ieee1284_text {
	const u8 *p;
	size_t length;
};

static u8 till_ieee1284_upper(u8 byte)
{
	return byte >= 'a' && byte <= 'z' ? byte - 'a' + 'A' : byte;
}

/* Takes the part up to a separator off the front of a text. */
static struct till_ieee1284_text till_ieee1284_cut(struct till_ieee1284_text *text, u8 separator)
{
	struct till_ieee1284_text part = { .p = text->p };

	while (part.length < text->length && text->p[part.length] != separator)
		part.length++;

	text->p += part.length;
	text->length -= part.length;
	if (text->length) {
		text->p++;
		text->length--;
	}

	while (part.length && part.p[0] == ' ') {
		part.p++;
		part.length--;
	}
	while (part.length && part.p[part.length - 1] == ' ')
		part.length--;
	return part;
}

static bool till_ieee1284_begins(struct till_ieee1284_text text, const char *word)
{
	size_t i;

	for (i = 0; word[i]; i++)
		if (i >= text.length || till_ieee1284_upper(text.p[i]) != (u8)word[i])
			return false;
	return true;
}

static bool till_ieee1284_is(struct till_ieee1284_text text, const char *word)
{
	size_t length = 0;

	while (word[length])
		length++;
	return text.length == length && till_ieee1284_begins(text, word);
}

/* Finds the value of a key by either of its names; of two the first. */
static struct till_ieee1284_text till_ieee1284_value(struct till_ieee1284_text id,
						     const char *name, const char *full_name)
{
	while (id.length) {
		struct till_ieee1284_text value = till_ieee1284_cut(&id, ';');
		struct till_ieee1284_text key = till_ieee1284_cut(&value, ':');

		if (till_ieee1284_is(key, name) || till_ieee1284_is(key, full_name))
			return till_ieee1284_cut(&value, ';');
	}
	return id;
}

static bool till_ieee1284_lists(struct till_ieee1284_text list, const char *word)
{
	while (list.length)
		if (till_ieee1284_is(till_ieee1284_cut(&list, ','), word))
			return true;
	return false;
}

/**
 * till_ieee1284_length() - how long the id in a reply to GET_DEVICE_ID is
 * @reply: two bytes of length, which count themselves, then the id
 * @received: bytes of it
 *
 * The length is big-endian (printer class 4.2.1). Where it is beyond what came
 * it is little-endian if that fits, or wrong; where it is nothing and as much
 * came as it says in little-endian (256 bytes, 512), it is that. A NUL ends the
 * id in any case.
 *
 * Return: bytes of the id, from @reply + 2 on; zero when there is none
 */
size_t till_ieee1284_length(const u8 *reply, size_t received)
{
	size_t length, reversed, i;

	if (received <= 2)
		return 0;

	length = reply[0] << 8 | reply[1];
	reversed = reply[1] << 8 | reply[0];
	if (length > received)
		length = reversed > 2 && reversed <= received ? reversed : received;
	else if (length <= 2 && reversed == received)
		length = reversed;

	for (i = 2; i < length; i++)
		if (!reply[i])
			break;
	return i - 2;
}

/**
 * till_ieee1284_is_receipt_printer() - whether it is one that till can drive
 * @id: device id
 * @length: bytes of it
 *
 * Receipt printers say that they speak ESC/POS; some say EPSON, as a dot matrix
 * printer may too, and name themselves POS- or TM-something. A name alone proves
 * nothing: label printers with a language of their own have such names as well.
 *
 * Return: true if the id says so; a printer without an id is not one
 */
bool till_ieee1284_is_receipt_printer(const u8 *id, size_t length)
{
	struct till_ieee1284_text text = { .p = id, .length = length };
	struct till_ieee1284_text commands = till_ieee1284_value(text, "CMD", "COMMAND SET");
	struct till_ieee1284_text model = till_ieee1284_value(text, "MDL", "MODEL");

	if (till_ieee1284_lists(commands, "ESC/POS"))
		return true;
	return till_ieee1284_lists(commands, "EPSON") &&
	       (till_ieee1284_begins(model, "POS") || till_ieee1284_begins(model, "TM-"));
}
