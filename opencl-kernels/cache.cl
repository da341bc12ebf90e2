// The pages of a KV cache. Build options: KEY_SIZE and VALUE_SIZE, values of a head; KEYS and VALUES, their types.

#define F32 0
#define F16 1
#define Q8_0 2
#define Q4_0 3

// Values that share a scale, of the quantized types.
#define BLOCK 32

#define VALUE_STRIDE ((VALUE_SIZE + 15) / 16 * 16)

// Bytes of so many values.
#define BYTES(type, values) \
    ((type) == F32 ? (values) * 4 : (type) == F16 ? (values) * 2 : (values) / BLOCK * ((type) == Q8_0 ? 34 : 18))

// Bytes of a page of one head, with room for `stride` tokens.
#define KEY_PAGE(stride) ((ulong)BYTES(KEYS, KEY_SIZE) * (stride))
#define VALUE_PAGE(stride) ((ulong)BYTES(VALUES, VALUE_STRIDE) * (stride))
