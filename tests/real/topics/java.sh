# OpenJDK 17: the compiler (a Java program itself), threads, collectors, compiled code.
t compile
cp /t/src/Parts.java . && must javac Parts.java; ls *.class | wc -l
t run
java -version 2>&1 | grep -c 17; for part in threads files process channels; do echo "-- $part"; java Parts $part; echo "status $?"; done
t collectors
for gc in Serial Parallel G1 Z; do java -Xmx200m -XX:+Use${gc}GC Parts memory; echo "$gc $?"; done
java -Xmx40m Parts hog 2>&1 | grep -o OutOfMemoryError | sort -u; java -Xss256k Parts deep
t jit
for o in -Xint -XX:TieredStopAtLevel=1 -XX:-TieredCompilation -XX:+UseSerialGC; do java $o Parts compute; done
java Parts faults; java -Xshare:dump -XX:SharedArchiveFile=cds.jsa > /dev/null 2>&1; java -XX:SharedArchiveFile=cds.jsa Parts compute
t tools
jar cf p.jar *.class && java -cp p.jar Parts compute; java Parts wait & sleep 1.5; jps | awk '{ print $2 }' | sort; jcmd $! Thread.print | grep -c '^"main"'; jstack $! | grep -c waitHere
kill $!; wait $!; echo $?; echo 'System.out.println(2 + 3);' | jshell --execution local -s - 2> /dev/null
