// The token in the form lasts a minute: send it at once; the button stays for everybody else.
document.getElementById("weiter").requestSubmit();
