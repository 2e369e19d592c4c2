# A guest that writes rcx bytes from the address in rbx to the first serial port, as it would on any
# PC: it polls the line status, writes up to rdi bytes, and polls again. It does not know what it
# runs on. rdi is 1 for the UART of 1981, 16 for the one with a FIFO of 1987.
.code64
.globl _start
.set com1, 0x3f8
_start:
        movw    $com1 + 5, %dx
wait:
        inb     %dx, %al
        testb   $0x20, %al
        jz      wait
        movw    $com1, %dx
        movq    %rdi, %rsi
one:
        movb    (%rbx), %al
        outb    %al, %dx
        incq    %rbx
        decq    %rcx
        jz      done
        decq    %rsi
        jnz     one
        jmp     _start
done:
        movw    $0xf4, %dx
        outb    %al, %dx
        jmp     done
