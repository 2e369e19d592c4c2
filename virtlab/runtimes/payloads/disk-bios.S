# A boot sector that reads from the first hard disk by the BIOS, over and over. How often stands at
# offset 500, how many sectors each time at 502. Before the first request and behind the last it
# writes 0xa5 to port 0x80, where nothing is, so that a trace tells the requests from the rest. It
# says DONE, or FAILED, on the first serial port and ends the machine by a write to port 0xf4. Which
# disk it is, it never learns: the BIOS has the drivers.
#
#   make (see the Makefile beside)
.code16
.globl _start
.set com1, 0x3f8

_start:
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $0x7c00, %sp
        movw    sectors, %ax
        movw    %ax, packet + 2
        movb    $0xa5, %al
        outb    %al, $0x80
next:
        movw    $good, %si
        cmpw    $0, requests
        je      finished
        decw    requests
        movw    $packet, %si
        movb    $0x42, %ah                          # extended read
        movb    $0x80, %dl                          # the first hard disk
        int     $0x13
        jnc     next
        movw    $bad, %si
finished:
        movb    $0xa5, %al
        outb    %al, $0x80
say:
        movw    $com1 + 5, %dx                      # line status: wait until the port takes a byte
wait:
        inb     %dx, %al
        testb   $0x20, %al
        jz      wait
        lodsb
        testb   %al, %al
        jz      end
        movw    $com1, %dx
        outb    %al, %dx
        jmp     say
end:
        outb    %al, $0xf4
        hlt
        jmp     end
good:
        .asciz  "DONE\n"
bad:
        .asciz  "FAILED\n"
        .balign 4
packet:
        .byte   16, 0                               # its own size
        .word   0                                   # sectors
        .word   0, 0x1000                           # where to: offset and segment
        .quad   0                                   # from sector 0 on
        .org    500
requests:
        .word   0
sectors:
        .word   1
        .org    510
        .word   0xaa55                              # what makes a sector bootable
