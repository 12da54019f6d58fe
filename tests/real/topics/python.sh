t interpreter
python3 -c pass; echo $?; python3 -c 'import sys, json, re, decimal, hashlib; print(sys.version_info[:2], sys.maxsize)'
python3 -c 'raise SystemExit(9)'; echo $?; echo 'print(input())' > i.py; echo line | python3 i.py
for part in threads subprocess multiprocessing asyncio sqlite mmap ctypes files signals sockets; do
    t $part
    python3 -X faulthandler /t/src/python_parts.py $part; echo "status $?"
done
t compile
must python3 -m compileall -q /usr/lib/python3.11/json; python3 -m timeit -n 1 -r 1 pass | wc -l
python3 -m venv --without-pip v && v/bin/python -c 'import sys; print(sys.prefix.split("/")[-1])'; python3 -m zipfile -c z.zip i.py && python3 -m zipfile -l z.zip | wc -l
