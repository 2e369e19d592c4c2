#include "greeter.h"

#include <stdio.h>
#include <string.h>

int main(void)
{
    char answer[256];
    greet("Ada Lovelace", answer, sizeof answer);
    if (count_words(" two  words ") != 2 || !strstr(answer, "has 2 words")) {
        fputs("the test failed\n", stderr);
        return 1;
    }
    puts("the test passes");
    return 0;
}
