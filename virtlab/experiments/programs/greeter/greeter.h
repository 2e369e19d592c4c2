#include <stddef.h>

size_t count_words(const char *text);
int greet(const char *name, char *answer, size_t room);
