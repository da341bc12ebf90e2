kernel void broken(global float *x) {
    x[0] = no_such_function(x[0]);
}
