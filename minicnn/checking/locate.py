def blame_a_part(check, findings):
    return findings
