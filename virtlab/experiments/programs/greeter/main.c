#include "greeter.h"

#include <stdio.h>

int main(int count, char **words)
{
    char answer[256];
    greet(count > 1 ? words[1] : "world", answer, sizeof answer);
    puts(answer);
    return 0;
}
