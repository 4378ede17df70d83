#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Has the first PC/SC reader verify a PIN that a person types at its keypad, and prints what the card answered, in
# hexadecimal: EMV's plain text PIN block (book 3, 6.5.12), by FEATURE_VERIFY_PIN_DIRECT of PC/SC part 10.

use strict;
use warnings;
use Chipcard::PCSC;
use Chipcard::PCSC::Card;

my $context = Chipcard::PCSC->new() or die "no pcscd: $Chipcard::PCSC::errno\n";
my @readers = $context->ListReaders();
my $card = Chipcard::PCSC::Card->new($context, $readers[0], $Chipcard::PCSC::SCARD_SHARE_SHARED)
	or die "no card: $Chipcard::PCSC::errno\n";

# CM_IOCTL_GET_FEATURE_REQUEST, then tag 06, length 4, the control code
my $features = $card->Control(0x42000000 + 3400, [0]) or die "no features: $Chipcard::PCSC::errno\n";
my $code;
for (my @f = @$features; @f >= 6; splice @f, 0, 2 + $f[1]) {
	$code = unpack 'N', pack 'C4', @f[2 .. 5] if $f[0] == 0x06;
}
defined $code or die "the reader has no keypad\n";

my @apdu = (0x00, 0x20, 0x00, 0x80, 0x08, 0x20, (0xff) x 7);
my @request = (30, 30, 0x89, 0x47, 0x04, 12, 4, 0x02, 0x00, 0x09, 0x04, 0x00, 0, 0, 0, scalar @apdu, 0, 0, 0, @apdu);
my $answer = $card->Control($code, \@request) or die "not verified: $Chipcard::PCSC::errno\n";
printf "%02X" x @$answer . "\n", @$answer;
