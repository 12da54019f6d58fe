/* /proc/PID/net: the tables of a network that has nothing in it but unix sockets. */
#include "procfs.h"
#include "socket.h"

enum { NET_UNIX = 7 };          /* the last one's place */

static const char *const heads[] = {
    "IP address       HW type     Flags       HW address            Mask     Device\n",
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs "
    "drop fifo colls carrier compressed\n",
    "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n",
    "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n",
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n",
    "  sl  local_address                         remote_address                        st "
    "tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n",
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n",
    "Num       RefCount Protocol Flags    Type St Inode Path\n",
};

int proc_net(struct seq *s, struct proc_ctx *c)
{
    seq_puts(s, heads[c->arg]);
    if (c->arg == NET_UNIX)
        unix_text(s);
    return 0;
}
