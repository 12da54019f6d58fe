part_script() { :; }
part_binaries() { :; }
part_images() { :; }
part_stdin() { :; }
part_tty() { :; }
