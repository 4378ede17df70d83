// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What our encoder says, said by two that nobody here wrote: `node paper-meaning.js` writes into the folder of its
// argument, for each thing, NAME.page (receipt/page-store.h) and NAME.ENCODER.bytes; and a line "NAME ENCODER HOW", where
// HOW is what must be the same of the paper: rows (every dot) or said (the text, and what a reader makes of codes).

const fs = require('fs');

const dir = process.argv[2];
const Encoder = require('@point-of-sale/receipt-printer-encoder');
const receiptline = require('receiptline');

const encoder = () => new (Encoder.default || Encoder)({ language: 'esc-pos', columns: 48, feedBeforeCut: 0,
	imageMode: 'raster', newline: '\n' }).initialize();
const line = (document, options) => Buffer.from(receiptline.transform(document, Object.assign(
	{ cpl: 48, encoding: 'gb18030', command: 'escpos', spacing: false, margin: 0, cutting: false }, options)), 'latin1');

function pattern() {
	const width = 48, height = 40, data = new Uint8ClampedArray(width * height * 4);
	for (let i = 0; i < width * height; i++) {
		const black = ((i % width) * 7 + Math.floor(i / width) * 13) % 11 < 4;
		data.set([ ...Array(3).fill(black ? 0 : 255), 255 ], i * 4);
	}
	return { data, width, height };
}

function picture() {
	const { PNG } = require('pngjs'), { data, width, height } = pattern(), png = new PNG({ width, height });
	png.data = Buffer.from(data);
	return PNG.sync.write(png).toString('base64');
}

const e = 'receipt-printer-encoder', r = 'receiptline';
const text = (flags, content, align = 'left', size = '1 1') => `text ${align} ${size} ${flags} "${content}\n`;

const things = {
	plain: [ text('-', 'Hello 12.50'), { [e]: () => encoder().line('Hello 12.50').encode(),
		[r]: () => line('|Hello 12.50') } ],
	big: [ text('-', 'Big', 'left', '2 2') + text('-', 'small'), {
		[e]: () => encoder().size(2, 2).line('Big').size(1, 1).line('small').encode(),
		[r]: () => line('|^^^Big\n\n|small') } ],
	wide: [ text('-', 'Wide', 'left', '2 1'), { [e]: () => encoder().size(2, 1).line('Wide').encode(),
		[r]: () => line('|^Wide') } ],
	tall: [ text('-', 'Tall', 'left', '1 2'), { [e]: () => encoder().size(1, 2).line('Tall').encode(),
		[r]: () => line('|^^Tall') } ],
	bold: [ text('b', 'Bold') + text('-', 'light'), {
		[e]: () => encoder().bold(true).line('Bold').bold(false).line('light').encode(),
		[r]: () => line('|"Bold"\n\n|light') } ],
	inverse: [ text('i', 'Inverse') + text('-', 'black'), {
		[e]: () => encoder().invert(true).line('Inverse').invert(false).line('black').encode(),
		[r]: () => line('|`Inverse`\n\n|black') } ],
	'font-b': [ text('s', 'Font B'), { [e]: () => encoder().font('B').line('Font B').encode() } ],
	align: [ text('-', 'even', 'center') + text('-', 'right', 'right') + text('-', 'left'), {
		[e]: () => encoder().align('center').line('even').align('right').line('right').align('left').line('left').encode(),
		[r]: () => line('|even|\n\nright|\n\n|left') } ],
	chinese: [ text('-', '茶馆 Tea') + text('-', '合计', 'left', '2 2'), {
		[r]: () => line('|茶馆 Tea\n\n|^^^合计') } ],
	'page-858': [ text('-', 'Crème brûlée 3 €'), {
		[e]: () => encoder().codepage('cp858').line('Crème brûlée 3 €').encode() } ],
	'page-866': [ text('-', 'Чайная'), { [e]: () => encoder().codepage('cp866').line('Чайная').encode() } ],
	raster: [ 'text left 1 1 r "?\n', {
		[e]: () => { const p = pattern(); return encoder().image(p, p.width, p.height, 'threshold', 128).encode(); },
		[r]: () => line('|{image:' + picture() + '}', { gradient: false }) } ],
	qr: [ 'qr center 5 1 - "https://example.org/r/1\n', {
		[e]: () => encoder().align('center').qrcode('https://example.org/r/1', { model: 2, size: 5, errorlevel: 'm' }).encode(),
		[r]: () => line('{code:https://example.org/r/1;option:qrcode,5,m}') } ],
	barcode: [ 'barcode left 3 60 - "TILL-OO\n', {
		[e]: () => encoder().barcode('TILL-OO', 'code128', { height: 60, width: 2, text: true }).encode(),
		[r]: () => line('{a:l}\n|{code:TILL-OO;option:code128,3,60,hri}') } ],
	digits: [ 'barcode left 3 60 - "20490001\n', {
		[e]: () => encoder().barcode('20490001', 'code128', { height: 60, width: 2, text: true }).encode(),
		[r]: () => line('|{code:20490001;option:code128,3,60,hri}') } ],
	cut: [ text('-', 'one') + 'cut left 1 1 -\n' + text('-', 'two') + 'cut left 1 1 -\n', {
		[e]: () => encoder().line('one').newline(5).cut('partial').line('two').newline(5).cut('partial').encode(),
		[r]: () => line('|one\n=\n|two\n=') } ],
	drawer: [ '', { [e]: () => encoder().pulse(0, 100, 500).encode() } ],
};

/*
 * Where the standard allows two ways, what is said is compared. A QR code: ISO/IEC 18004 leaves the mask to the encoder,
 * and receiptline draws it itself, the other has the printer do so. Digits: ISO/IEC 15417 has set B, which
 * receipt-printer-encoder always takes, and, for half the width, pairs in set C.
 */
const said = { qr: [ r ], digits: [ e ] };

for (const [ name, [ page, others ] ] of Object.entries(things)) {
	fs.writeFileSync(`${dir}/${name}.page`, 'tilld-page 1\ndots 576\ncolumns 48\ncolumns-small 64\n' + page);
	for (const [ other, bytes ] of Object.entries(others)) {
		fs.writeFileSync(`${dir}/${name}.${other}.bytes`, Buffer.from(bytes()));
		console.log(name, other, (said[name] || []).includes(other) ? 'said' : 'rows');
	}
}
