/**
 * What follows `kubectl` on a command line; what begins with `$ ` is given to the shell as it is. A reason says why what is
 * printed differs between the embedded API and a real server, and must.
 */
export type KubectlCommand = string | { readonly command: string; readonly differs: string };
