#!/bin/sh
# Makes a gateway of a fresh Raspberry Pi OS: buses on, package installed, configuration in place, service enabled.
# It lies on the card's boot partition together with loam_*.deb and, if you have written it already, gateway.toml.
# Running it again changes nothing that is right.
set -eu

# Which buses the probes hang on, and the clock chip: ds3231, ds1307, pcf8523, pcf85063a, rv3028, or none.
I2C=yes
ONEWIRE=yes
SERIAL=no      # yes: the UART on pins 8 and 10 is for a probe and no longer a login console
RTC=none

boot="${LOAM_BOOT:-/boot/firmware}"

on() { raspi-config nonint "$1" 0; }
[ "$I2C" != yes ] || on do_i2c
[ "$ONEWIRE" != yes ] || on do_onewire
if [ "$SERIAL" = yes ]; then
	raspi-config nonint do_serial_cons 1 # 1 is off
	on do_serial_hw
fi
if [ "$RTC" != none ] && ! grep -q "^dtoverlay=i2c-rtc,$RTC" "$boot/config.txt"; then
	printf '\n[all]\ndtoverlay=i2c-rtc,%s\n' "$RTC" >>"$boot/config.txt"
fi

# The package for this system: a 64-bit kernel may run a 32-bit system, so the system is asked.
arch="$(dpkg --print-architecture)"
newest="$(find "$boot" -maxdepth 1 -name "loam_*_$arch.deb" | sort -V | tail -n 1)"
if [ -z "$newest" ]; then
	echo "loam-firstboot: no loam_*_$arch.deb in $boot: copy it there, or install it by hand" >&2
	exit 1
fi
dpkg -i "$newest"

if [ -e "$boot/gateway.toml" ]; then
	loam config check "$boot/gateway.toml"
	install -o loam -g loam -m 0640 "$boot/gateway.toml" /etc/loam/gateway.toml
	# The public half of the key that was made here, for the hub's operator: the card can be read without logging in.
	setpriv --reuid=loam --regid=loam --init-groups loam gateway --show-key >"$boot/gateway-key.txt"
	systemctl enable loam-gateway
fi
sync
