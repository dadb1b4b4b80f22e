"""The pages, and the programs that write the generated parts of them."""
