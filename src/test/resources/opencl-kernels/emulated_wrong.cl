#define WRONG 1
#include "emulated.cl"
