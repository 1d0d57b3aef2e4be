#!/bin/sh
# Footnote's command as the service runs it: its user, folder, home and settings, so paths are absolute. As root:
#   install -m 755 docs/deploy/footnote.sh /usr/local/sbin/footnote
set -ae
HOME=/var/lib/footnote
FOOTNOTE_HOME=/var/lib/footnote
umask 077
cd "$HOME"
if [ -e /etc/footnote.env ]; then . /etc/footnote.env; fi
exec runuser -u footnote -- /opt/footnote/bin/footnote "$@"
