# A guest that asks what processor it has, rsi times, then ends. CPUID works in every ring, and a
# hypervisor must answer it itself: a guest is told of the processor it was given.
.code64
.globl _start
_start:
        xorl    %eax, %eax
        xorl    %ecx, %ecx
        cpuid
        decq    %rsi
        jnz     _start
done:
        movw    $0xf4, %dx
        outb    %al, %dx
        jmp     done
