# A boot sector: the BIOS loads these 512 bytes at 0x7c00 and jumps there in 16-bit mode.
# It writes READY to the first serial port and halts for good.
#
#   make (see the Makefile beside)
.code16
.globl _start
.set com1, 0x3f8

_start:
        cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    $message, %si
next_byte:
        movw    $com1 + 5, %dx                      # line status: wait until the port takes a byte
wait:
        inb     %dx, %al
        testb   $0x20, %al
        jz      wait
        lodsb
        testb   %al, %al
        jz      halt
        movw    $com1, %dx
        outb    %al, %dx
        jmp     next_byte
halt:
        hlt
        jmp     halt
message:
        .asciz  "READY\n"
        .org    510
        .word   0xaa55                              # what makes a sector bootable
