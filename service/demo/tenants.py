"""The twelve residents and owners by first name, for the stories: their Personennummern."""

ZOE, MEHMET, JANA, OLEKSANDR, GRETE, AMINA = (f"000471{n}" for n in range(1, 7))
TRAN, PAWEL, INGRID, KOFI, BAERBEL, LUCIA = "0004717", "0004718", "0004719", "0004720", "0004721", "0004722"
