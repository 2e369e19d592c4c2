# A 16-bit program: it writes 50 and a colon, then the primes below 50, to the first serial port.
# It runs wherever it is loaded: on our own monitor, or as a boot sector (padded to 512 bytes).
# AAM (split AL into two decimal digits) is one of the instructions that 64-bit code no longer has;
# the bytes before it mean the same in 64-bit mode, so a 64-bit processor stops exactly there.
#
#   make (see the Makefile beside)
.code16
.globl _start
.set com1, 0x3f8
.set end, 0xf4

_start:
        movb    $50, %al
        aam                                         # AH: AL / 10, AL: the rest
        movw    $com1, %dx
        call    digits
        movb    $':', %al
        outb    %al, %dx
        movb    $2, %bl
candidate:
        movb    $2, %cl
divide:
        cmpb    %bl, %cl
        je      prime                               # nothing below it divides it
        movb    %bl, %al
        xorb    %ah, %ah
        divb    %cl
        testb   %ah, %ah
        jz      next
        incb    %cl
        jmp     divide
prime:
        movb    $' ', %al
        outb    %al, %dx
        movb    %bl, %al
        aam
        call    digits
next:
        incb    %bl
        cmpb    $50, %bl
        jb      candidate
        movb    $'\n', %al
        outb    %al, %dx
        outb    %al, $end
        hlt
digits:
        addw    $0x3030, %ax
        xchgb   %ah, %al
        outb    %al, %dx
        xchgb   %ah, %al
        outb    %al, %dx
        ret
