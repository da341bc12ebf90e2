// The pages of a KV cache, whose build options are KEYS and VALUES, its types.

#define F32 0
#define F16 1
#define Q8_0 2
#define Q4_0 3

// Values that share a scale, of the quantized types, and those in a word.
#define BLOCK 32
#define PER_WORD(type) ((type) == Q8_0 ? 4 : 8)

// Columns of a row of values, which vectors read whole.
#define ROW_OF_VALUES(size) (((size) + 15) / 16 * 16)

// Bytes of so many values.
#define BYTES(type, values) \
    ((type) == F32 ? (values) * 4 : (type) == F16 ? (values) * 2 : (values) / BLOCK * ((type) == Q8_0 ? 34 : 18))

// Bytes of a page of one head, with room for `stride` tokens.
#define KEY_PAGE(size, stride) ((ulong)BYTES(KEYS, size) * (stride))
#define VALUE_PAGE(size, stride) ((ulong)BYTES(VALUES, ROW_OF_VALUES(size)) * (stride))
