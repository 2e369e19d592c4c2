# A 16-bit program of the kind that MS-DOS loaded from a .COM file: no header, entered at offset
# 0x100 of its segment. It counts the steps that 27 takes to 1, and asks DOS (interrupt 0x21) to
# write them: AH=9 writes the text at DS:DX up to a dollar sign, AH=2 the character in DL, AH=0x4c
# ends the program. PUSH CS, POP DS and AAM (split AL into decimal digits) are instructions that 64-bit
# code no longer has.
#
#   make (see the Makefile beside)
.code16
.globl _start
_start:
        pushw   %cs                                 # data and code share a segment
        popw    %ds
        movb    $9, %ah
        movw    $message, %dx
        int     $0x21
        movw    $27, %ax
        xorw    %cx, %cx
step:
        cmpw    $1, %ax
        je      say
        incw    %cx
        shrw    $1, %ax
        jnc     step
        rclw    $1, %ax                             # it was odd: put the bit back
        movw    %ax, %bx
        addw    %ax, %ax
        addw    %bx, %ax
        incw    %ax
        jmp     step
say:
        movb    %cl, %al
        aam                                         # AH: AL / 10, AL: the last digit
        movb    %al, %bl
        movb    %ah, %al
        aam
        movb    %al, %bh
        movb    %ah, %al
        call    put
        movb    %bh, %al
        call    put
        movb    %bl, %al
        call    put
        movw    $0x4c00, %ax
        int     $0x21
put:
        addb    $'0', %al
        movb    %al, %dl
        movb    $2, %ah
        int     $0x21
        ret
message:
        .ascii  "steps from 27 to 1: $"
