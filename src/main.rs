//! `emp-ops`: see the library's documentation for the map of the code.

fn main() -> std::process::ExitCode {
    emp_ops::cli::main()
}
