@rem The npm scripts start with exec, a command of Unix shells: it lets npm pass signals to the server. This is its replacement on Windows.
@%*
