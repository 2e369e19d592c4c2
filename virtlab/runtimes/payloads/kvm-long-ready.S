# A guest for 64-bit long mode, ring 0 or ring 3 (with I/O allowed to it), entered at 0x100000:
# it writes READY to the serial port and then a byte to the port that ends the machine.
.code64
.globl _start
_start:
        leaq    message(%rip), %rsi
        movw    $0x3f8, %dx
next_byte:
        lodsb
        testb   %al, %al
        jz      done
        outb    %al, %dx
        jmp     next_byte
done:
        movw    $0xf4, %dx
        outb    %al, %dx
        jmp     done
message:
        .asciz  "READY\n"
