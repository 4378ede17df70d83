// SPDX-License-Identifier: GPL-2.0-only
/*
 * till: EMV readers, the node
 *
 * A block or APDU goes through the transport (till_ccid.c) as it is: what is in
 * it is the business of userspace.
 *
 * There is one command, emv->command, of write() or of an ioctl; emv->phase says
 * whose it is and how far.
 */

#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/uaccess.h>
#include <linux/usb.h>

#include "till.h"
#include "till_ccid.h"

/* How long a person has where the reader decides, and that is unknown. */
#define TILL_EMV_PERSON_MS	80000

/* ISO 7816-4: the only command that a PIN is put into. */
#define TILL_EMV_INS_VERIFY	0x20

enum till_emv_statistic {
	TILL_EMV_GOOD_EXCHANGE = TILL_CCID_STATISTICS,
	TILL_EMV_FAILED_EXCHANGE,
};

/**
 * enum till_emv_phase - what the node's command is doing
 * @TILL_EMV_PHASE_IDLE: nothing
 * @TILL_EMV_PHASE_EXCHANGE: it is under way for read()
 * @TILL_EMV_PHASE_READY: it has ended, and read() has not yet said how
 * @TILL_EMV_PHASE_IOCTL: it is under way for an ioctl
 * @TILL_EMV_PHASE_ANSWERED: it has ended, and the ioctl has not yet taken how
 * @TILL_EMV_PHASE_NOBODY: it is under way, and nobody waits for it
 */
enum till_emv_phase {
	TILL_EMV_PHASE_IDLE,
	TILL_EMV_PHASE_EXCHANGE,
	TILL_EMV_PHASE_READY,
	TILL_EMV_PHASE_IOCTL,
	TILL_EMV_PHASE_ANSWERED,
	TILL_EMV_PHASE_NOBODY,
};

/**
 * struct till_emv - an EMV reader
 * @till: node
 * @ccid: transport
 * @read_mutex: held while a response is copied out or dropped
 *
 * The rest is under till.lock:
 *
 * @phase: enum till_emv_phase
 * @command: of write() or of an ioctl; its data is from kvmalloc(), wiped by the
 *	transport and freed when the next one begins
 * @off: takes the card's power when nobody holds the node any more
 * @response: what @command answers, ccid.max_response bytes
 * @result: how it ended
 * @exchange: number of the newest write()
 * @cancelled: number of the newest exchange that was aborted
 * @waiting: bBWI of the next write()
 */
struct till_emv {
	struct till_device till;
	struct till_ccid ccid;

	/* Keeps a response while it is copied out. */
	struct mutex read_mutex;

	enum till_emv_phase phase;
	struct till_ccid_command command;
	struct till_ccid_command off;
	u8 *response;
	int result;
	u32 exchange;
	u32 cancelled;
	u8 waiting;
};

/* What a command of an ioctl brings back. */
struct till_emv_answer {
	u8 param;
	size_t length;
	u8 data[TILL_EMV_ATR_MAX];
};

static struct till_emv *to_till_emv(struct till_device *tdev)
{
	return container_of(tdev, struct till_emv, till);
}

/*
 * The command
 */

/* Whether the transport takes a command; what it asks of itself is no obstacle. */
static bool till_emv_is_free(struct till_emv *emv)
{
	const struct till_ccid *ccid = &emv->ccid;

	return ccid->phase != TILL_CCID_STOPPED &&
	       ccid->command != &emv->off && ccid->next != &emv->off;
}

static enum till_emv_exchange till_emv_exchange_state(struct till_emv *emv)
{
	lockdep_assert_held(&emv->till.lock);

	switch (emv->phase) {
	case TILL_EMV_PHASE_READY:
		return TILL_EMV_READY;
	case TILL_EMV_PHASE_IDLE:
		return till_emv_is_free(emv) ? TILL_EMV_IDLE : TILL_EMV_BUSY;
	default:
		return TILL_EMV_BUSY;
	}
}

static void till_emv_drop_response(struct till_emv *emv)
{
	lockdep_assert_held(&emv->till.lock);

	memzero_explicit(emv->response, emv->command.answer_length);
	emv->command.answer_length = 0;
	if (emv->phase == TILL_EMV_PHASE_READY || emv->phase == TILL_EMV_PHASE_ANSWERED)
		emv->phase = TILL_EMV_PHASE_IDLE;
	wake_up_all(&emv->till.wait);
}

static void till_emv_done(struct till_ccid_command *command, int result)
{
	struct till_emv *emv = container_of(command, struct till_emv, command);

	lockdep_assert_held(&emv->till.lock);

	emv->result = result;
	switch (emv->phase) {
	case TILL_EMV_PHASE_EXCHANGE:
		emv->phase = TILL_EMV_PHASE_READY;
		till_count(&emv->till, result ? TILL_EMV_FAILED_EXCHANGE : TILL_EMV_GOOD_EXCHANGE);
		break;
	case TILL_EMV_PHASE_IOCTL:
		emv->phase = TILL_EMV_PHASE_ANSWERED;
		break;
	default:
		emv->phase = TILL_EMV_PHASE_IDLE;
		till_emv_drop_response(emv);
	}
}

/*
 * Begins a command, as phase. When that is done, the request's data is the node's,
 * and the caller has to free what it finds there: that of the command before, wiped.
 */
static int till_emv_begin(struct till_emv *emv, enum till_emv_phase phase,
			  struct till_ccid_command *request)
{
	struct till_ccid_command *command = &emv->command;
	u8 *data = command->data;
	int ret;

	lockdep_assert_held(&emv->till.lock);

	if (till_emv_exchange_state(emv) != TILL_EMV_IDLE)
		return -EBUSY;

	*command = *request;
	command->answer = emv->response;
	command->answer_room = phase == TILL_EMV_PHASE_EXCHANGE ? emv->ccid.max_response :
								  TILL_EMV_ATR_MAX;
	command->done = till_emv_done;

	emv->phase = phase;
	ret = till_ccid_begin(&emv->ccid, command);
	if (ret) {
		emv->phase = TILL_EMV_PHASE_IDLE;
		command->data = data;
		return ret;
	}

	/* Its block has had the time, or the card has forgotten that it asked. */
	if (command->type == CCID_XFR_BLOCK || command->type == CCID_POWER_ON ||
	    command->type == CCID_POWER_OFF)
		emv->waiting = 0;
	request->data = data;
	return 0;
}

/* Begins a command whose answer is for read(), and takes its data, wiped in the end. */
static int till_emv_begin_exchange(struct till_emv *emv, struct till_ccid_command *request)
{
	int ret;

	ret = till_device_get(&emv->till);
	if (ret)
		goto free;

	spin_lock_irq(&emv->till.lock);
	if (request->type == CCID_XFR_BLOCK)
		request->param[0] = emv->waiting;
	ret = till_emv_begin(emv, TILL_EMV_PHASE_EXCHANGE, request);
	if (!ret)
		emv->exchange++;
	spin_unlock_irq(&emv->till.lock);

	till_device_put(&emv->till);
free:
	kvfree_sensitive(request->data, ret ? request->length : 0);
	return ret;
}

/*
 * File operations
 */

static int till_emv_open(struct till_device *tdev, bool nonblock)
{
	struct till_emv *emv = to_till_emv(tdev);
	int ret;

	ret = usb_autopm_get_interface(emv->ccid.intf);
	if (ret)
		return till_usb_error(ret);

	till_ccid_watch(&emv->ccid, true);
	/* The reader is done with the opener before, and the slot is known as it is. */
	ret = nonblock ? 0 : till_ccid_wait_interruptible(&emv->ccid);
	if (ret) {
		till_ccid_watch(&emv->ccid, false);
		usb_autopm_put_interface(emv->ccid.intf);
		return ret == -ETIMEDOUT ? -EBUSY : ret;
	}

	spin_lock_irq(&tdev->lock);
	till_emv_drop_response(emv);
	emv->waiting = 0;
	spin_unlock_irq(&tdev->lock);
	return 0;
}

static void till_emv_close(struct till_device *tdev)
{
	struct till_emv *emv = to_till_emv(tdev);

	till_ccid_watch(&emv->ccid, false);

	spin_lock_irq(&tdev->lock);
	till_ccid_cancel(&emv->ccid, &emv->command, -ECANCELED);
	till_emv_drop_response(emv);
	if (emv->phase != TILL_EMV_PHASE_IDLE)
		emv->phase = TILL_EMV_PHASE_NOBODY;
	/* A card whose answer to reset is under way may have power, too. */
	if (emv->ccid.card != TILL_EMV_CARD_ABSENT || emv->phase == TILL_EMV_PHASE_NOBODY)
		till_ccid_begin(&emv->ccid, &emv->off);
	spin_unlock_irq(&tdev->lock);

	/* All ends by itself; who kills the closer does not want to wait for it. */
	till_ccid_wait_killable(&emv->ccid);
	usb_autopm_put_interface(emv->ccid.intf);
}

static ssize_t till_emv_write(struct till_device *tdev, const char __user *buf,
			      size_t count, bool nonblock)
{
	struct till_emv *emv = to_till_emv(tdev);
	struct till_ccid_command request = { .type = CCID_XFR_BLOCK, .length = count };

	if (!count)
		return -EINVAL;
	if (count > emv->ccid.max_block)
		return -EMSGSIZE;

	request.data = vmemdup_user(buf, count);
	if (IS_ERR(request.data))
		return PTR_ERR(request.data);

	return till_emv_begin_exchange(emv, &request) ?: count;
}

static int till_emv_take_response(struct till_emv *emv, u32 exchange, char __user *buf,
				  size_t count)
{
	size_t length;
	int ret = 0;

	spin_lock_irq(&emv->till.lock);
	length = emv->command.answer_length;
	if (!emv->till.connected) {
		ret = -ENODEV;
	} else if (emv->exchange != exchange || emv->phase != TILL_EMV_PHASE_READY) {
		ret = emv->exchange != exchange || emv->cancelled == exchange ? -ECANCELED :
										-ENODATA;
	} else if (emv->result) {
		ret = emv->result;
		till_emv_drop_response(emv);
	} else if (length > count) {
		ret = -EMSGSIZE;
	}
	spin_unlock_irq(&emv->till.lock);
	if (ret)
		return ret;

	/* Stable: READY ends under the mutex, or with the device. */
	if (copy_to_user(buf, emv->response, length))
		return -EFAULT;

	spin_lock_irq(&emv->till.lock);
	ret = emv->till.connected ? length : -ENODEV;
	till_emv_drop_response(emv);
	spin_unlock_irq(&emv->till.lock);
	return ret;
}

/* The exchange that a read() is for has ended, well or not, or the device is gone. */
static bool till_emv_exchange_over(struct till_emv *emv, u32 exchange)
{
	bool over;

	spin_lock_irq(&emv->till.lock);
	over = emv->phase != TILL_EMV_PHASE_EXCHANGE || emv->exchange != exchange ||
	       !emv->till.connected;
	spin_unlock_irq(&emv->till.lock);
	return over;
}

static ssize_t till_emv_read(struct till_device *tdev, char __user *buf,
			     size_t count, bool nonblock)
{
	struct till_emv *emv = to_till_emv(tdev);
	enum till_emv_phase phase;
	u32 exchange;
	ssize_t ret;

	spin_lock_irq(&tdev->lock);
	phase = emv->phase;
	exchange = emv->exchange;
	spin_unlock_irq(&tdev->lock);

	switch (phase) {
	case TILL_EMV_PHASE_READY:
		break;
	case TILL_EMV_PHASE_EXCHANGE:
		if (nonblock)
			return -EAGAIN;
		ret = wait_event_interruptible(tdev->wait, till_emv_exchange_over(emv, exchange));
		if (ret)
			return ret;
		break;
	default:
		return -ENODATA;
	}

	ret = till_lock(&emv->read_mutex, nonblock);
	if (ret)
		return ret;
	ret = till_emv_take_response(emv, exchange, buf, count);
	mutex_unlock(&emv->read_mutex);
	return ret;
}

static __poll_t till_emv_poll(struct till_device *tdev)
{
	switch (till_emv_exchange_state(to_till_emv(tdev))) {
	case TILL_EMV_IDLE:
		return EPOLLOUT | EPOLLWRNORM;
	case TILL_EMV_READY:
		return EPOLLIN | EPOLLRDNORM;
	default:
		return 0;
	}
}

/*
 * ioctls
 */

/*
 * Runs a command, and frees its data; a signal gives it up and leaves the rest to
 * the transport.
 */
static int till_emv_command(struct till_emv *emv, struct till_ccid_command *request,
			    struct till_emv_answer *ret_answer)
{
	struct till_device *tdev = &emv->till;
	int ret;

	ret = till_device_get(tdev);
	if (!ret) {
		spin_lock_irq(&tdev->lock);
		ret = till_emv_begin(emv, TILL_EMV_PHASE_IOCTL, request);
		spin_unlock_irq(&tdev->lock);
		till_device_put(tdev);
	}
	kvfree(request->data);
	if (ret)
		return ret;

	ret = wait_event_interruptible(tdev->wait, READ_ONCE(emv->phase) != TILL_EMV_PHASE_IOCTL ||
				       !till_device_connected(tdev));

	spin_lock_irq(&tdev->lock);
	if (!tdev->connected) {
		ret = -ENODEV;
	} else if (emv->phase == TILL_EMV_PHASE_IOCTL) {
		emv->phase = TILL_EMV_PHASE_NOBODY;
		till_ccid_cancel(&emv->ccid, &emv->command, -ECANCELED);
		ret = -EINTR;
	} else {
		ret = emv->result;
	}
	if (!ret && ret_answer) {
		ret_answer->param = emv->command.answer_param;
		ret_answer->length = emv->command.answer_length;
		memcpy(ret_answer->data, emv->response, emv->command.answer_length);
	}
	if (emv->phase == TILL_EMV_PHASE_ANSWERED)
		till_emv_drop_response(emv);
	spin_unlock_irq(&tdev->lock);

	return ret;
}

static long till_emv_get_info(struct till_emv *emv, void __user *arg)
{
	const struct till_ccid_descriptor *desc = &emv->ccid.desc;
	struct till_emv_info info;
	int ret;

	ret = till_copy_in(&info, sizeof(info), arg);
	if (ret)
		return ret;

	info.level = emv->ccid.level;
	info.ccid_features = le32_to_cpu(desc->dwFeatures);
	info.max_block = emv->ccid.max_block;
	info.slots = desc->bMaxSlotIndex + 1;
	info.voltages = desc->bVoltageSupport;
	info.protocols = le32_to_cpu(desc->dwProtocols);
	info.max_ifsd = le32_to_cpu(desc->dwMaxIFSD);
	info.default_clock = le32_to_cpu(desc->dwDefaultClock);
	info.max_clock = le32_to_cpu(desc->dwMaximumClock);
	info.data_rate = le32_to_cpu(desc->dwDataRate);
	info.max_data_rate = le32_to_cpu(desc->dwMaxDataRate);
	info.display = le16_to_cpu(desc->wLcdLayout);
	info.pin_support = desc->bPINSupport;
	info.class_get_response = desc->bClassGetResponse;
	info.class_envelope = desc->bClassEnvelope;
	memset(info.__reserved, 0, sizeof(info.__reserved));

	return till_copy_out(arg, &info, sizeof(info));
}

static long till_emv_get_state(struct till_emv *emv, void __user *arg)
{
	struct till_emv_state state;
	int ret;

	ret = till_copy_in(&state, sizeof(state), arg);
	if (ret)
		return ret;

	spin_lock_irq(&emv->till.lock);
	state.exchange = till_emv_exchange_state(emv);
	state.card = emv->ccid.card;
	state.insertions = emv->ccid.insertions;
	state.event = emv->till.event;
	spin_unlock_irq(&emv->till.lock);

	ret = till_copy_out(arg, &state, sizeof(state));
	if (ret)
		return ret;

	till_device_seen(&emv->till, state.event);
	return 0;
}

static bool till_emv_has_voltage(struct till_emv *emv, u32 voltage)
{
	u32 automatic = CCID_FEATURE_ACTIVATION | CCID_FEATURE_VOLTAGE;

	if (voltage == TILL_EMV_VOLTAGE_AUTO)
		return le32_to_cpu(emv->ccid.desc.dwFeatures) & automatic;
	return emv->ccid.desc.bVoltageSupport & BIT(voltage - 1);
}

static long till_emv_power_on(struct till_emv *emv, void __user *arg)
{
	struct till_ccid_command request = { .type = CCID_POWER_ON };
	struct till_emv_answer answer = { };
	struct till_emv_power power;
	int ret;

	ret = till_copy_in(&power, sizeof(power), arg);
	if (ret)
		return ret;

	if (power.voltage > TILL_EMV_VOLTAGE_1V8)
		return -EINVAL;
	if (!till_emv_has_voltage(emv, power.voltage))
		return -EOPNOTSUPP;

	request.param[0] = power.voltage;
	ret = till_emv_command(emv, &request, &answer);
	if (ret)
		return ret;

	power.atr_length = answer.length;
	memcpy(power.atr, answer.data, sizeof(power.atr));
	memset(power.__reserved, 0, sizeof(power.__reserved));
	return till_copy_out(arg, &power, sizeof(power));
}

/* Drops a response that nobody reads, so that a slot that is READY becomes IDLE. */
static int till_emv_drop(struct till_emv *emv)
{
	if (mutex_lock_interruptible(&emv->read_mutex))
		return -EINTR;

	spin_lock_irq(&emv->till.lock);
	if (emv->phase == TILL_EMV_PHASE_READY) {
		emv->cancelled = emv->exchange;
		till_emv_drop_response(emv);
	}
	spin_unlock_irq(&emv->till.lock);

	mutex_unlock(&emv->read_mutex);
	return 0;
}

static long till_emv_power_off(struct till_emv *emv)
{
	struct till_ccid_command request = { .type = CCID_POWER_OFF };
	int ret;

	ret = till_emv_drop(emv);
	return ret ?: till_emv_command(emv, &request, NULL);
}

static long till_emv_abort(struct till_emv *emv)
{
	int ret;

	spin_lock_irq(&emv->till.lock);
	till_ccid_cancel(&emv->ccid, &emv->command, -ECANCELED);
	spin_unlock_irq(&emv->till.lock);

	ret = till_ccid_wait_interruptible(&emv->ccid);
	if (!till_device_connected(&emv->till))
		return -ENODEV;
	if (ret)
		return ret == -ETIMEDOUT ? ret : -EINTR;

	return till_emv_drop(emv);
}

static size_t till_emv_parameters_length(u32 protocol)
{
	return protocol ? 7 : 5;
}

static int till_emv_set_parameters(struct till_emv *emv,
				   const struct till_emv_parameters *parameters,
				   struct till_emv_answer *ret_answer)
{
	struct till_ccid_command request = {
		.type = CCID_SET_PARAMETERS,
		.param = { parameters->protocol },
		.length = parameters->length,
	};

	if (parameters->protocol > 1 ||
	    parameters->length != till_emv_parameters_length(parameters->protocol) ||
	    memchr_inv(parameters->__reserved, 0, sizeof(parameters->__reserved)))
		return -EINVAL;

	request.data = kmemdup(parameters->data, parameters->length, GFP_KERNEL);
	if (!request.data)
		return -ENOMEM;
	return till_emv_command(emv, &request, ret_answer);
}

static int till_emv_get_parameters(struct till_emv *emv, struct till_emv_answer *ret_answer)
{
	struct till_ccid_command request = { .type = CCID_GET_PARAMETERS };

	return till_emv_command(emv, &request, ret_answer);
}

static long till_emv_parameters(struct till_emv *emv, unsigned int cmd, void __user *arg)
{
	struct till_emv_answer answer = { };
	struct till_emv_parameters parameters;
	int ret;

	ret = till_copy_in(&parameters, sizeof(parameters), arg);
	if (ret)
		return ret;

	if (cmd == TILL_EMV_SET_PARAMETERS)
		ret = till_emv_set_parameters(emv, &parameters, &answer);
	else
		ret = till_emv_get_parameters(emv, &answer);
	if (ret)
		return ret;

	/* What is in force now, which need not be what was asked for. */
	if (answer.param > 1 || answer.length != till_emv_parameters_length(answer.param))
		return -EPROTO;
	parameters.protocol = answer.param;
	parameters.length = answer.length;
	memset(parameters.data, 0, sizeof(parameters.data));
	memcpy(parameters.data, answer.data, answer.length);
	memset(parameters.__reserved, 0, sizeof(parameters.__reserved));
	return till_copy_out(arg, &parameters, sizeof(parameters));
}

static long till_emv_set_waiting(struct till_emv *emv, void __user *arg)
{
	struct till_emv_waiting waiting;
	int ret;

	ret = till_copy_in(&waiting, sizeof(waiting), arg);
	if (ret)
		return ret;

	if (emv->ccid.level != TILL_EMV_LEVEL_TPDU)
		return -EOPNOTSUPP;
	if (waiting.multiplier > U8_MAX)
		return -EINVAL;

	spin_lock_irq(&emv->till.lock);
	if (till_emv_exchange_state(emv) == TILL_EMV_IDLE)
		emv->waiting = waiting.multiplier;
	else
		ret = -EBUSY;
	spin_unlock_irq(&emv->till.lock);
	return ret;
}

static bool till_emv_pin_is_valid(const struct till_emv_pin *pin)
{
	/* Some readers crash on a condition that does not exist (libccid). */
	return pin->timeout <= TILL_EMV_PIN_TIMEOUT_MAX &&
	       pin->validation >= 1 && pin->validation <= 7 &&
	       pin->apdu_length >= 4 && pin->apdu_length <= TILL_EMV_PIN_APDU_MAX &&
	       pin->apdu[1] == TILL_EMV_INS_VERIFY;
}

static long till_emv_verify_pin(struct till_emv *emv, void __user *arg)
{
	struct till_ccid_command request = { .type = CCID_SECURE };
	struct till_ccid_pin *data;
	struct till_emv_pin pin;
	int ret;

	ret = till_copy_in(&pin, sizeof(pin), arg);
	if (ret)
		return ret;

	if (!(emv->till.features & TILL_EMV_FEATURE_KEYPAD))
		return -EOPNOTSUPP;
	if (!till_emv_pin_is_valid(&pin))
		return -EINVAL;
	request.length = sizeof(*data) + pin.apdu_length;
	if (request.length > emv->ccid.max_data)
		return -EMSGSIZE;

	data = kzalloc(request.length, GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	data->bTimeOut = pin.timeout;
	data->bmFormatString = pin.format;
	data->bmPINBlockString = pin.block;
	data->bmPINLengthFormat = pin.length_format;
	data->wPINMaxExtraDigit = cpu_to_le16(pin.digits);
	data->bEntryValidationCondition = pin.validation;
	data->bNumberMessage = pin.messages;
	data->wLangId = cpu_to_le16(pin.language);
	data->bMsgIndex = pin.message;
	memcpy(data->bTeoPrologue, pin.prologue, sizeof(data->bTeoPrologue));
	memcpy(data->abPINApdu, pin.apdu, pin.apdu_length);

	request.data = (u8 *)data;
	request.person_ms = pin.timeout ? pin.timeout * MSEC_PER_SEC : TILL_EMV_PERSON_MS;
	return till_emv_begin_exchange(emv, &request);
}

static long till_emv_ioctl(struct till_device *tdev, unsigned int cmd, void __user *arg)
{
	struct till_emv *emv = to_till_emv(tdev);

	switch (cmd) {
	case TILL_EMV_GET_INFO:
		return till_emv_get_info(emv, arg);
	case TILL_EMV_GET_STATE:
		return till_emv_get_state(emv, arg);
	case TILL_EMV_POWER_ON:
		return till_emv_power_on(emv, arg);
	case TILL_EMV_POWER_OFF:
		return till_emv_power_off(emv);
	case TILL_EMV_ABORT:
		return till_emv_abort(emv);
	case TILL_EMV_GET_PARAMETERS:
	case TILL_EMV_SET_PARAMETERS:
		return till_emv_parameters(emv, cmd, arg);
	case TILL_EMV_SET_WAITING:
		return till_emv_set_waiting(emv, arg);
	case TILL_EMV_VERIFY_PIN:
		return till_emv_verify_pin(emv, arg);
	default:
		return -ENOTTY;
	}
}

static void till_emv_release(struct till_device *tdev)
{
	struct till_emv *emv = to_till_emv(tdev);

	till_ccid_free(&emv->ccid);
	kvfree(emv->command.data);
	kvfree(emv->response);
	kfree(emv);
}

static const struct till_operations till_emv_operations = {
	.open		= till_emv_open,
	.close		= till_emv_close,
	.read		= till_emv_read,
	.write		= till_emv_write,
	.poll		= till_emv_poll,
	.ioctl		= till_emv_ioctl,
	.release	= till_emv_release,
};

/*
 * Attributes
 */

static ssize_t card_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	static const char * const names[] = {
		[TILL_EMV_CARD_ABSENT] = "absent",
		[TILL_EMV_CARD_PRESENT] = "present",
		[TILL_EMV_CARD_POWERED] = "powered",
	};
	u32 card = READ_ONCE(to_till_emv(to_till_device(dev))->ccid.card);

	return sysfs_emit(buf, "%s\n", names[card]);
}
static DEVICE_ATTR_RO(card);

static struct attribute *till_emv_attrs[] = {
	&dev_attr_card.attr,
	NULL
};

static const struct attribute_group till_emv_group = {
	.attrs = till_emv_attrs,
};

TILL_STATISTIC(good_exchange_count, TILL_EMV_GOOD_EXCHANGE);
TILL_STATISTIC(failed_exchange_count, TILL_EMV_FAILED_EXCHANGE);
TILL_STATISTIC(insertion_count, TILL_CCID_INSERTION);

static struct attribute *till_emv_statistics[] = {
	&till_communication_error_count.attr.attr,
	&till_hours_powered_count.attr,
	&till_statistic_good_exchange_count.attr.attr,
	&till_statistic_failed_exchange_count.attr.attr,
	&till_statistic_insertion_count.attr.attr,
	NULL
};

static const struct attribute_group till_emv_statistics_group = {
	.name = "statistics",
	.attrs = till_emv_statistics,
};

static const struct attribute_group *till_emv_groups[] = {
	&till_emv_group,
	&till_emv_statistics_group,
	NULL
};

static const struct device_type till_emv_type = {
	.name	= "emv",
	.groups	= till_emv_groups,
};

static char *till_emv_event[] = { "TILL_EVENT=card", NULL };

static const struct till_kind_info till_emv_info = {
	.kind	= TILL_KIND_EMV,
	.event	= till_emv_event,
	.type	= &till_emv_type,
};

/*
 * Binding and power
 */

static int till_emv_suspend(struct usb_interface *intf, pm_message_t message)
{
	struct till_emv *emv = usb_get_intfdata(intf);

	/* A closer that did not wait has left something to be ended; asked again later. */
	if (PMSG_IS_AUTO(message) && till_ccid_is_busy(&emv->ccid))
		return -EBUSY;

	till_ccid_stop(&emv->ccid, -ECONNRESET);
	return 0;
}

static int till_emv_resume(struct usb_interface *intf)
{
	struct till_emv *emv = usb_get_intfdata(intf);

	return till_ccid_start(&emv->ccid);
}

static int till_emv_pre_reset(struct usb_interface *intf)
{
	struct till_emv *emv = usb_get_intfdata(intf);

	till_ccid_stop(&emv->ccid, -ECONNRESET);
	return 0;
}

static int till_emv_post_reset(struct usb_interface *intf)
{
	struct till_emv *emv = usb_get_intfdata(intf);

	/* An error would unbind the driver; the next command tells as well. */
	till_ccid_start(&emv->ccid);
	return 0;
}

static int till_emv_setup(struct till_emv *emv)
{
	int ret;

	ret = till_ccid_setup(&emv->ccid);
	if (ret)
		return ret;

	emv->till.features = TILL_EMV_FEATURE_ABORT | TILL_EMV_FEATURE_PARAMETERS;
	if (emv->ccid.desc.bPINSupport & CCID_PIN_VERIFY)
		emv->till.features |= TILL_EMV_FEATURE_KEYPAD;

	/* Also holds what an ioctl's command answers. */
	emv->response = kvzalloc(max_t(size_t, emv->ccid.max_response, TILL_EMV_ATR_MAX),
				 GFP_KERNEL);
	return emv->response ? 0 : -ENOMEM;
}

static int till_emv_probe(struct usb_interface *intf, const struct usb_device_id *id)
{
	struct usb_device *udev = interface_to_usbdev(intf);
	struct till_emv *emv;
	int ret;

	emv = kzalloc(sizeof(*emv), GFP_KERNEL);
	if (!emv)
		return -ENOMEM;

	mutex_init(&emv->read_mutex);
	emv->off.type = CCID_POWER_OFF;
	till_ccid_init(&emv->ccid, &emv->till, intf);

	ret = till_device_init(&emv->till, &till_emv_info, &till_emv_operations, &intf->dev);
	if (ret)
		goto err_put;

	till_usb_read_ids(&emv->till, udev);

	ret = till_emv_setup(emv);
	if (ret)
		goto err_put;

	usb_set_intfdata(intf, emv);
	/* A suspended reader must still tell of a card, if it can. */
	intf->needs_remote_wakeup = !!emv->ccid.intr.urb;

	/* The first opener waits for the slot's state; probe does not: its time is the hub's. */
	ret = till_ccid_start(&emv->ccid);
	if (ret)
		goto err_stop;

	ret = till_device_register(&emv->till);
	if (ret)
		goto err_stop;

	dev_info_ratelimited(&intf->dev, "EMV reader is %s\n", dev_name(&emv->till.dev));
	return 0;

err_stop:
	till_ccid_stop(&emv->ccid, -ENODEV);
err_put:
	usb_set_intfdata(intf, NULL);
	put_device(&emv->till.dev);
	return ret;
}

static void till_emv_disconnect(struct usb_interface *intf)
{
	struct till_emv *emv = usb_get_intfdata(intf);

	till_ccid_stop(&emv->ccid, -ENODEV);
	till_device_unregister(&emv->till);
	usb_set_intfdata(intf, NULL);
	put_device(&emv->till.dev);
}

/* What each is, and where its id is from: Documentation/supported-devices.md. */
static const struct usb_device_id till_emv_ids[] = {
	/* HID Global OMNIKEY 3x21 */
	{ USB_DEVICE_INTERFACE_CLASS(0x076b, 0x3031, USB_CLASS_CSCID) },
	/* HID Global OMNIKEY 3021, 3121 */
	{ USB_DEVICE_INTERFACE_CLASS(0x076b, 0x3021, USB_CLASS_CSCID) },
	/* Gemalto PC Twin, IDBridge CT30 */
	{ USB_DEVICE_INTERFACE_CLASS(0x08e6, 0x3437, USB_CLASS_CSCID) },
	/* Gemalto PC Pinpad */
	{ USB_DEVICE_INTERFACE_CLASS(0x08e6, 0x3478, USB_CLASS_CSCID) },
	/* Identiv SCR3310 */
	{ USB_DEVICE_INTERFACE_CLASS(0x04e6, 0x5116, USB_CLASS_CSCID) },
	/* Identiv SCR3500, SCR355 */
	{ USB_DEVICE_INTERFACE_CLASS(0x04e6, 0x5410, USB_CLASS_CSCID) },
	/* Identiv SPR532 */
	{ USB_DEVICE_INTERFACE_CLASS(0x04e6, 0xe003, USB_CLASS_CSCID) },
	/* ACS ACR39U */
	{ USB_DEVICE_INTERFACE_CLASS(0x072f, 0xb100, USB_CLASS_CSCID) },
	/* ACS ACR3901U */
	{ USB_DEVICE_INTERFACE_CLASS(0x072f, 0xb000, USB_CLASS_CSCID) },
	/* Alcor Micro AU9540 */
	{ USB_DEVICE_INTERFACE_CLASS(0x058f, 0x9540, USB_CLASS_CSCID) },
	/* Alcor Micro AU9520 */
	{ USB_DEVICE_INTERFACE_CLASS(0x058f, 0x9520, USB_CLASS_CSCID) },
	/* Athena ASEDrive IIIe */
	{ USB_DEVICE_INTERFACE_CLASS(0x0dc3, 0x1004, USB_CLASS_CSCID) },
	{ }
};
MODULE_DEVICE_TABLE(usb, till_emv_ids);

static struct usb_driver till_emv_driver = {
	.name			= "till-emv",
	.id_table		= till_emv_ids,
	.probe			= till_emv_probe,
	.disconnect		= till_emv_disconnect,
	.suspend		= till_emv_suspend,
	.resume			= till_emv_resume,
	.reset_resume		= till_emv_resume,
	.pre_reset		= till_emv_pre_reset,
	.post_reset		= till_emv_post_reset,
	.supports_autosuspend	= 1,
	.disable_hub_initiated_lpm = 1,
};

int __init till_emv_init(void)
{
	return usb_register(&till_emv_driver);
}

void till_emv_exit(void)
{
	usb_deregister(&till_emv_driver);
}
