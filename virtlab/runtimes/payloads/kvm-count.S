# A guest that only computes: counts rcx down to zero, then ends. Nothing in the loop needs the
# hypervisor. For long mode; run it in ring 3 to see direct execution where KVM has no hardware help.
.code64
.globl _start
_start:
        decq    %rcx
        jnz     _start
done:
        movw    $0xf4, %dx
        outb    %al, %dx
        jmp     done
