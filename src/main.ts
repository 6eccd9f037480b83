process.stderr.write("lintel: commands are being assembled\n");
