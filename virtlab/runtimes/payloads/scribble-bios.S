# A boot sector that writes a pattern over all the memory of its machine, but for its own page, and
# then says DONE on the first serial port and halts for good. It is an operating system of its own:
# no other kernel runs in its machine. How much memory there is stands at offset 500, in bytes.
#
#   make (see the Makefile beside)
.code16
.globl _start
.set com1, 0x3f8
.set pattern, 0x5ca1ab1e

_start:
        cli
        xorw    %ax, %ax
        movw    %ax, %ds
        lgdtl   table
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0                          # protected mode: addresses of 32 bits
        ljmpl   $8, $wide
.code32
wide:
        movw    $16, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movl    $pattern, %eax
        movl    $0x8000, %edi                       # below: the BIOS's data, and this page
        movl    $(0x98000 / 4), %ecx
        rep stosl
        movl    $0x100000, %edi
        movl    size, %ecx
        subl    %edi, %ecx
        shrl    $2, %ecx
        rep stosl
        movl    $message, %esi
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
        .asciz  "DONE\n"
        .balign 8
segments:
        .quad   0
        .quad   0x00cf9a000000ffff                  # code: all 4 GiB
        .quad   0x00cf92000000ffff                  # data: all 4 GiB
table:
        .word   . - segments - 1
        .long   segments
        .org    500
size:
        .long   0x1000000
        .org    510
        .word   0xaa55                              # what makes a sector bootable
