# dpkg and apt: a package with scripts and configuration files through its life; apt's parts
# that need no network, with a repository in a folder.
t build
mkdir -p p/DEBIAN p/etc p/usr/bin p/usr/share/xt
printf 'Package: xt\nVersion: 1.0\nArchitecture: all\nMaintainer: a <a@b>\nDepends: coreutils\nDescription: test\n' > p/DEBIAN/control
echo /etc/xt.conf > p/DEBIAN/conffiles; echo original > p/etc/xt.conf
printf '#!/bin/sh\necho xt runs\n' > p/usr/bin/xt; chmod 755 p/usr/bin/xt
for i in $(seq 200); do echo "data $i" > p/usr/share/xt/$i; done
for s in preinst postinst prerm postrm; do
    printf '#!/bin/sh\necho %s "$1"\n' $s > p/DEBIAN/$s; chmod 755 p/DEBIAN/$s
done
must dpkg-deb --root-owner-group -b p xt_1.0_all.deb; dpkg-deb -c xt_1.0_all.deb | wc -l
sed -i s/1.0/2.0/ p/DEBIAN/control; echo second > p/etc/xt.conf; rm p/usr/share/xt/7
must dpkg-deb --root-owner-group -b p xt_2.0_all.deb; dpkg-deb -f xt_2.0_all.deb Version
t dpkg
must dpkg -i xt_1.0_all.deb; xt; dpkg -L xt | wc -l; dpkg -S /usr/bin/xt
echo changed > /etc/xt.conf
must dpkg --force-confold -i xt_2.0_all.deb; cat /etc/xt.conf; ls /usr/share/xt/7; dpkg -V xt
dpkg-query -W -f '${Status} ${Version}\n' xt; must dpkg -r xt; ls /etc/xt.conf; must dpkg -P xt; ls /etc/xt.conf
dpkg --audit; dpkg -l | grep -c '^ii'; dpkg --print-architecture; dpkg --compare-versions 1.0~rc1 lt 1.0 && echo less
t apt
mkdir repo && cp xt_*.deb repo
for f in repo/*.deb; do
    dpkg-deb -f $f; echo "Filename: ./$f"; echo "Size: $(stat -c %s $f)"; echo "SHA256: $(sha256sum < $f | cut -d ' ' -f 1)"; echo
done > Packages
sed 's,\./repo,.,' Packages > repo/Packages
echo "deb [trusted=yes] file:$PWD/repo ./" > only.list
o="-o Dir::Etc::sourcelist=$PWD/only.list -o Dir::Etc::sourceparts=- -o Acquire::Languages=none -o APT::Sandbox::User=_apt"
apt-get $o -q update 2>&1 | grep -v '^Fetched\|^Get\|^Ign\|^Reading'
apt-cache $o policy xt | sed "s,$PWD,.,"; apt-cache $o depends xt
DEBIAN_FRONTEND=noninteractive apt-get $o -q -y install xt=1.0 2>&1 | grep -E '^(preinst|postinst|Setting|Unpacking)'; xt
DEBIAN_FRONTEND=noninteractive apt-get $o -q -y install xt 2>&1 | grep -E '^(preinst|postinst|Setting|Unpacking)'
apt-get $o -q -s remove xt | grep Remv; apt-get $o -q -y purge xt 2>&1 | grep -E '^(Removing|Purging|prerm|postrm)'
apt-mark showmanual | wc -l; apt-config dump | grep -c .; apt list --installed 2> /dev/null | wc -l; apt-get check -q
t triggers
ldconfig -p | wc -l; update-alternatives --display awk | md5sum; must update-alternatives --set awk /usr/bin/gawk
dpkg-divert --add --rename --divert /etc/issue.real /etc/issue; ls /etc/issue*; dpkg-divert --remove --rename /etc/issue
useradd -m -G adm v && id v | sed 's/([^)]*)//g'; su v -c 'id -un; cd; pwd'; userdel -r v; getent passwd u; passwd -S u | cut -d ' ' -f 1,2
echo u:secret | chpasswd; grep -c '^u:\$y' /etc/shadow; chage -l root | wc -l
