# A guest that writes a byte to an I/O port rcx times, then ends: each write leaves the guest and
# returns to the VMM's own code.
.code64
.globl _start
_start:
        movw    $0x80, %dx
again:
        outb    %al, %dx
        decq    %rcx
        jnz     again
done:
        movw    $0xf4, %dx
        outb    %al, %dx
        jmp     done
