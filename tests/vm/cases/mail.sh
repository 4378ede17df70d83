# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A mail server for cases: ". /in/cases/mail.sh", start_mail_server, mails.

# start_mail_server USER: with a mailbox for that one
start_mail_server() {
	useradd --create-home "$1"
	systemctl unmask opensmtpd.service 2>/dev/null
	systemctl start opensmtpd.service
	check_soon "OpenSMTPD listens" 60 bash -c 'exec 3<>/dev/tcp/localhost/25'
}

# mails USER: what has come, the oldest first: "FROM TO SUBJECT MESSAGE-ID" and the text's lines
mails() {
	python3 - "/home/$1/Maildir/new" <<-'END'
		import email, email.policy, pathlib, sys
		for path in sorted(pathlib.Path(sys.argv[1]).glob("*"), key=lambda p: p.stat().st_mtime_ns):
		    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
		    print(message["From"], message["To"], message["Subject"], message["Message-ID"])
		    print(message.get_body().get_content().replace("\r\n", "\n").rstrip("\n"))
	END
}
