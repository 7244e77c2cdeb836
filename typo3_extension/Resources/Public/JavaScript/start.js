// The page between a button and the portal sends its form by itself; its button is there where scripts are off.
document.querySelector(".mieterportal-start form")?.submit();
