"""The call: engines and providers behind one port."""
