# A guest that computes and asks, in turns: it counts from rbx down to zero, then writes a byte to an
# I/O port; rcx times, then it ends. Only the port needs somebody else.
.code64
.globl _start
_start:
        movw    $0x80, %dx
request:
        movq    %rbx, %rax
turn:
        decq    %rax
        jnz     turn
        outb    %al, %dx
        decq    %rcx
        jnz     request
done:
        movw    $0xf4, %dx
        outb    %al, %dx
        jmp     done
