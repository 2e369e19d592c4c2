# A guest that writes 32 bits rcx times to an address where there is no memory, then ends: each
# write is a page fault that the VMM answers as a device would.
.code64
.globl _start
_start:
        movl    $0x3f000000, %ebx
again:
        movl    %ecx, (%rbx)
        decq    %rcx
        jnz     again
done:
        movw    $0xf4, %dx
        outb    %al, %dx
        jmp     done
