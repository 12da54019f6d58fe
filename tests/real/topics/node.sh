t node
node -e 'console.log(1 + 1, process.argv.length, os = require("os"), 0)' | wc -l | awk '{ print $1 > 5 }'
for part in children workers files timers sockets load; do
    t $part
    node /t/src/node_parts.js $part; echo "status $?"
done
