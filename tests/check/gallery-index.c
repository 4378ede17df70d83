// SPDX-License-Identifier: LGPL-2.1-or-later
#include "check/gallery-index.h"

#include "base/unicode.h"

static const char style[] =
        "body{font:15px/1.4 sans-serif;margin:0;background:#ced1d5;color:#222}\n"
        "form{position:sticky;top:0;background:#fff;padding:.6em 1.5em;box-shadow:0 1px 4px #0005;z-index:1}\n"
        "label{margin-right:1.5em;white-space:nowrap}\n"
        "main{padding:0 1.5em}section,div{border-top:1px solid #aab}div{border-top-style:dotted}\n"
        "h2{margin:.6em 0 0}h3{margin:.3em 0;font-weight:normal}\n"
        "figure{display:inline-block;vertical-align:top;margin:0 1.5em 1.5em 0}\n"
        "img{max-width:100%}img,pre{display:none}\n"
        "[data-face=paper] .paper,[data-face=png] .png,[data-face=terminal] .terminal,[data-face=text] .text"
        "{display:block}\n"
        "pre{font:14px/normal 'DejaVu Sans Mono','Noto Sans Mono','Noto Sans Mono CJK SC',monospace;margin:0;"
        "padding:1.2em;background:#fff}\n"
        ".terminal{background:#1d1f21;color:#dadada}\n"
        "pre i{display:inline-block;width:2ch;font-style:normal}\n"
        ".bold{font-weight:bold;color:#fff}.inverse{background:#dadada;color:#1d1f21}"
        ".bold.inverse{background:#fff}.code{background:#fff;color:#000}\n"
        "[hidden]{display:none}\n";

static const char script[] =
        "const form=document.forms[0],body=document.body;\n"
        "function show(){\n"
        " const want={paper:form.paper.value,language:form.language.value,width:form.width.value};\n"
        " body.dataset.face=form.face.value;\n"
        " for(const e of document.querySelectorAll('[data-paper],[data-language],[data-width]'))\n"
        "  e.hidden=Object.keys(want).some(k=>want[k]&&e.dataset[k]&&e.dataset[k]!=want[k]);\n"
        " history.replaceState(null,'','#'+new URLSearchParams(new FormData(form)));\n"
        "}\n"
        "for(const [k,v] of new URLSearchParams(location.hash.slice(1)))if(form[k])form[k].value=v;\n"
        "form.addEventListener('change',show);show();\n";

/* "a b": an option for each, after one for all of them if there is such. */
static void put_choice(FILE *f, const char *label, const char *name, const char *all, const char *words) {
        fprintf(f, "<label>%s <select name=\"%s\">", label, name);
        if (all)
                fprintf(f, "<option value=\"\">%s</option>", all);
        for (size_t l; *words; words += l + (words[l] == ' ')) {
                l = strcspn(words, " ");
                fprintf(f, "<option>%.*s</option>", (int) l, words);
        }
        fputs("</select></label>\n", f);
}

void index_begin(FILE *f, const char *papers, const char *languages, const char *widths) {
        fprintf(f,
                "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Papers</title>\n"
                "<meta name=\"viewport\" content=\"width=device-width\">\n<style>\n%s</style>\n"
                "<body data-face=\"paper\">\n<form>\n",
                style);
        put_choice(f, "Paper", "paper", "all", papers);
        put_choice(f, "Language", "language", "all", languages);
        put_choice(f, "Columns", "width", "all", widths);
        put_choice(f, "Face", "face", NULL, "paper png terminal text");
        fputs("</form>\n<main>\n", f);
}

void index_begin_paper(FILE *f, const char *paper) {
        fprintf(f, "<section id=\"%s\" data-paper=\"%s\"><h2>%s</h2>\n", paper, paper, paper);
}

void index_begin_language(FILE *f, const char *language) {
        fprintf(f, "<div data-language=\"%s\"><h3>%s</h3>\n", language, language);
}

/* What is wide takes two columns, whatever the reader's fonts are; lines and blocks are wide on paper only. */
static bool is_wide(uint32_t c) {
        return unicode_width(c) == 2 && (c < 0x2500 || c > 0x259f);
}

static void put_character(FILE *f, uint32_t c) {
        char utf8[5] = {};

        utf8[unicode_put(c, utf8)] = '\0';
        if (is_wide(c))
                fprintf(f, "<i>%s</i>", utf8);
        else if (c == '<' || c == '&')
                fprintf(f, "&#%u;", c);
        else
                fputs(utf8, f);
}

/* ESC [ … m, of which draw_terminal() has but these; returns what follows it. */
static const char *put_escape(FILE *f, const char *p, bool *styled) {
        bool bold = p[1] == '1', inverse = p[1] == '7' || (bold && p[2] == ';'), code = p[1] == '3';

        if (*styled)
                fputs("</span>", f);
        *styled = bold || inverse || code;
        if (*styled)
                fprintf(f, "<span class=\"%s%s%s\">", bold ? "bold " : "", inverse ? "inverse" : "",
                        code ? "code" : "");
        p += strcspn(p, "m");
        return p + (*p == 'm');
}

static void put_cells(FILE *f, const char *class, const char *text) {
        bool styled = false;
        uint32_t c;

        fprintf(f, "<pre class=\"%s\">", class);
        while ((c = unicode_next(&text)) != 0) {
                if (c == '\033')
                        text = put_escape(f, text, &styled);
                else
                        put_character(f, c);
        }
        fputs("</pre>", f);
}

void index_add(FILE *f, const char *name, unsigned columns, const char *text, const char *terminal) {
        fprintf(f,
                "<figure data-width=\"%u\"><img class=\"paper\" loading=\"lazy\" src=\"%s-paper.png\" alt=\"%s\">"
                "<img class=\"png\" loading=\"lazy\" src=\"%s.png\" alt=\"%s\">",
                columns, name, name, name, name);
        put_cells(f, "terminal", terminal);
        put_cells(f, "text", text);
        fprintf(f,
                "<figcaption>%u columns: <a href=\"%s-paper.png\">paper</a> <a href=\"%s.png\">PNG</a> "
                "<a href=\"%s.pdf\">PDF</a> <a href=\"%s.txt\">text</a></figcaption></figure>\n",
                columns, name, name, name, name);
}

void index_end_language(FILE *f) {
        fputs("</div>\n", f);
}

void index_end_paper(FILE *f) {
        fputs("</section>\n", f);
}

void index_end(FILE *f) {
        fprintf(f, "</main>\n<script>\n%s</script>\n", script);
}
