# A boot sector that is a busy guest: it fills its memory, and from then on a timer wakes it a
# thousand times a second. Each time it makes some pages dirty, one after the other, round and round
# through its working set, and writes a byte to the first serial port: 0, 1, 2, … 255, 0, … In between
# it sleeps. Three numbers stand at the end: pages at each tick, pages of the working set, and bytes
# of memory.
#
#   make (see the Makefile beside)
.code16
.globl _start
.set com1, 0x3f8
.set first, 0x100000
.set pattern, 0x5ca1ab1e
.set interval, 1193                                 # of 1,193,182 a second

_start:
        cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movw    $0x7c00, %sp
        lgdtl   table
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0                          # protected mode, only to load one segment
        movw    $8, %bx
        movw    %bx, %es                            # all 4 GiB; it keeps that in real mode
        andb    $0xfe, %al
        movl    %eax, %cr0
        movl    $first, %edi
        movl    size, %ecx
        subl    %edi, %ecx
        shrl    $2, %ecx
        movl    $pattern, %eax
        cld
        rep stosl %eax, %es:(%edi)
        movw    $tick, 8 * 4                        # the timer's interrupt
        movw    %cs, 8 * 4 + 2
        movb    $0x34, %al                          # channel 0: again and again
        outb    %al, $0x43
        movb    $(interval & 255), %al
        outb    %al, $0x40
        movb    $(interval >> 8), %al
        outb    %al, $0x40
        movb    $0xfe, %al                          # nothing else may interrupt
        outb    %al, $0x21
        sti
idle:
        hlt
        jmp     idle

tick:
        movl    each, %ecx
        testl   %ecx, %ecx
        jz      say
dirty:
        movl    position, %ebx
        movl    %ebx, %edi
        shll    $12, %edi
        incl    %es:first(%edi)
        incl    %ebx
        cmpl    working, %ebx
        jb      next
        xorl    %ebx, %ebx
next:
        movl    %ebx, position
        decl    %ecx
        jnz     dirty
say:
        movb    count, %al
        incb    count
        movw    $com1, %dx
        outb    %al, %dx
        movb    $0x20, %al                          # the interrupt is served
        outb    %al, $0x20
        iretw

        .balign 8
segments:
        .quad   0
        .quad   0x00cf92000000ffff                  # data: all 4 GiB
table:
        .word   . - segments - 1
        .long   segments
position:
        .long   0
count:
        .byte   0
        .org    496
each:
        .long   1
working:
        .long   1
size:
        .long   0x1000000
        .org    510
        .word   0xaa55                              # what makes a sector bootable
