# A guest for 16-bit real mode, loaded and entered at address 0x1000:
# it writes READY to the serial port, byte by byte, and halts.
.code16
.globl _start
_start:
        movw    $0x3f8, %dx
        movw    $message, %si
next_byte:
        movb    %cs:(%si), %al
        testb   %al, %al
        jz      halt
        outb    %al, %dx
        incw    %si
        jmp     next_byte
halt:
        hlt
        jmp     halt
message:
        .asciz  "READY\n"
